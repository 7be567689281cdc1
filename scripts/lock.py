"""Pin the requirements: pyproject.toml holds ranges, the requirements files hold full pins.

`--check` fails when a file differs from what its ranges resolve to with its own pins kept.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = Path(sys.executable).parent / "uv"
# In this order: what serves is a part of the whole, with the same pins.
FILES: dict[str, list[str]] = {
    "requirements.txt": ["--extra", "train"],
    "requirements-serve.txt": ["--constraint", "requirements.txt"],
    "requirements-dev.txt": ["--extra", "train", "--group", "dev", "--extra", "jax", "--extra", "tracing"],
}


def compile_into(target: Path, extra: list[str]) -> None:
    """Resolve the project for every supported Python and platform, keeping the pins the file has."""
    command = [str(UV), "pip", "compile", "pyproject.toml", "--universal", "--python-version", "3.11", "--no-header"]
    command += ["--no-emit-index-url", "--no-annotate", "--quiet", "--output-file", str(target), *extra]
    subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603 (fixed command)


def main() -> int:
    """Write the pins, or compare them; return the exit status."""
    stale = []
    for name, extra in FILES.items():
        if "--check" not in sys.argv:
            compile_into(ROOT / name, extra)
            continue
        with tempfile.TemporaryDirectory() as folder:
            fresh = Path(folder) / name
            shutil.copy(ROOT / name, fresh)
            compile_into(fresh, extra)
            if fresh.read_text() != (ROOT / name).read_text():
                stale.append(name)
    if stale:
        sys.stderr.write(f"{', '.join(stale)} out of step with pyproject.toml: run `make lock`\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
