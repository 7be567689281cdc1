"""Try every scenario and write the table of docs/reliability.md: `python -m faults`; some: `python -m faults soak`."""

from __future__ import annotations

import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks.report import Row, markdown_table
from faults.scenario import Failed, NotTried, Scenario
from faults.scenarios import clock, full_disk, hostile, killed, many_jobs, outage, soak, sockets, starved

TARGET = Path(__file__).resolve().parent.parent / "docs" / "reliability.md"
BEGIN, END = "<!-- printed by make faults -->", "<!-- end of what make faults prints -->"
SCENARIOS = (
    Scenario("sockets", "sockets that never read", sockets.run),
    Scenario("soak", "a minute of everything", soak.run),
    Scenario("kill-sqlite", "kill -9, SQLite", killed.on_sqlite),
    Scenario("kill-mongodb", "kill -9, MongoDB", killed.on_mongodb),
    Scenario("jobs", "1,000 jobs and kill -9", many_jobs.run),
    Scenario("replay", "database stopped", outage.replay),
    Scenario("frozen", "database hangs", outage.frozen),
    Scenario("disk", "disk full", full_disk.run),
    Scenario("hostile", "hostile input", hostile.run),
    Scenario("clock", "clock set back", clock.run),
    Scenario("log", "log not read", starved.unread_log),
    Scenario("descriptors", "no file descriptors", starved.descriptors),
)


def main(names: Sequence[str]) -> int:
    """Try the named scenarios, or all; return the exit status: 0 when the service held in each."""
    known = {scenario.name: scenario for scenario in SCENARIOS}
    if unknown := set(names) - set(known):
        print(f"no scenario {', '.join(sorted(unknown))}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    # A thousand sockets take a thousand file descriptors, here too.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    console, failures, started = Console(stderr=True), list[str](), time.monotonic()
    rows = list[Row]()
    for scenario in [known[name] for name in names] or SCENARIOS:
        rows.append(_try(scenario, console, failures))
        console.print(" | ".join(map(str, rows[-1].values())), highlight=False)
    text = f"{_where(time.monotonic() - started)}\n\n{markdown_table(rows)}"
    print(text)
    for failure in failures:
        print(failure, file=sys.stderr)
    if not names and not failures:
        _write(text)
    return 1 if failures else 0


def _try(scenario: Scenario, console: Console, failures: list[str]) -> Row:
    with console.status(scenario.title), tempfile.TemporaryDirectory() as folder:
        try:
            outcome = scenario.run(Path(folder))
        except NotTried as reason:
            return {"scenario": scenario.title, "load": f"not tried: {reason}", "result": "-", "lost": "-"}
        except Failed as failure:
            failures.append(f"{scenario.title}: {failure}")
            return {"scenario": scenario.title, "load": "-", "result": "FAILED", "lost": "-"}
    return {"scenario": scenario.title, "load": outcome.load, "result": outcome.result, "lost": outcome.lost}


def _where(seconds: float) -> str:
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return (
        f"Printed by `make faults` on {datetime.now(UTC):%Y-%m-%d}: {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores, {memory_gb:.0f} GB of memory, Python {platform.python_version()}, {seconds:.0f} s in "
        "all. Times hold for this machine, which may have been busy."
    )


def _write(text: str) -> None:
    """Put the text between the two markers of the page."""
    before, _, rest = TARGET.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    TARGET.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
