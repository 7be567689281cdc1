"""A clock that is set back and forth under a running process, by libfaketime."""

from __future__ import annotations

from pathlib import Path

LIBRARY = "faketime/libfaketimeMT.so.1"


class FakeTime:
    """The wall clock of the processes that are started with `environment`; their monotonic clock stays the real one."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "faketime"
        self.set(0)

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables of such a process."""
        (library,) = Path("/usr/lib").glob(f"*-linux-gnu/{LIBRARY}")
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            # Nothing reads the times of files, and to change them takes twenty seconds of a processor at a start.
            "NO_FAKE_STAT": "1",
            # Its mend for an old C library has threads wait for the interpreter without a pause: a start takes forty
            # seconds of a processor.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        }

    def set(self, offset_seconds: int) -> None:
        """Set the clock ahead of the real one by a number of seconds."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{offset_seconds:+d}\n")
        new.rename(self._file)
