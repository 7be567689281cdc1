"""Pin the requirements: pyproject.toml holds ranges, the requirements files hold full pins with hashes.

`--check` fails when a file differs from what its ranges resolve to with its own pins kept. Hashes of kept pins stay as
they are, though a release may have got further wheels since.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = Path(sys.executable).parent / "uv"
PROJECT = "pyproject.toml"
# In this order: what serves, and what shows the queues, has the same pins as the whole.
FILES: dict[str, list[str]] = {
    "requirements.txt": [PROJECT, "--extra", "train"],
    "requirements-serve.txt": [PROJECT, "--constraint", "requirements.txt"],
    "requirements-flower.txt": ["--group", "flower", "--constraint", "requirements.txt"],
    "requirements-dev.txt": [PROJECT, "--extra", "train", "--group", "dev", "--extra", "jax", "--extra", "tracing"],
}


def compile_into(target: Path, sources: list[str]) -> None:
    """Resolve for every supported Python and platform, keeping the pins the file has."""
    command = [str(UV), "pip", "compile", *sources, "--universal", "--python-version", "3.11", "--generate-hashes"]
    command += ["--no-emit-index-url", "--no-annotate", "--no-header", "--quiet", "--output-file", str(target)]
    subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603 (fixed command)


def main() -> int:
    """Write the pins, or compare them; return the exit status."""
    stale = []
    for name, sources in FILES.items():
        if "--check" not in sys.argv:
            compile_into(ROOT / name, sources)
            continue
        with tempfile.TemporaryDirectory() as folder:
            fresh = Path(folder) / name
            shutil.copy(ROOT / name, fresh)
            compile_into(fresh, sources)
            if fresh.read_text() != (ROOT / name).read_text():
                stale.append(name)
    if stale:
        sys.stderr.write(f"{', '.join(stale)} out of step with pyproject.toml: run `make lock`\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
