"""Run every measurement and write docs/benchmarks.md: `python -m benchmarks`."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks.chapters import CHAPTERS
from benchmarks.report import Row, markdown_table

TARGET = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"


def main() -> int:
    """Measure, print and write; return the exit status: 0 when every target is met."""
    argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__).parse_args()
    console = Console(stderr=True)
    targets: list[Row] = []
    paragraphs: list[str] = []
    for chapter in CHAPTERS:
        with console.status(chapter.status):
            measured = chapter.measure()
        targets += chapter.targets(measured)
        paragraphs += chapter.paragraphs(measured)
    text = "\n\n".join([*_head(), "## Targets", markdown_table(targets), *paragraphs])
    TARGET.write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0 if all(target["met"] == "yes" for target in targets) else 1


def _head() -> list[str]:
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return [
        "# Benchmarks",
        f"Printed by `make bench` on {datetime.now(UTC):%Y-%m-%d}: {machine}. Every ratio is of two figures measured "
        "in this one run; absolute times hold for this machine only.",
    ]


if __name__ == "__main__":
    sys.exit(main())
