"""Standard input, output and error, where whoever started the process has closed them or they take nothing."""

from __future__ import annotations

import os
import sys


def open_standard_streams() -> None:
    """Open what is closed on the null device; call it before anything opens a file.

    The next file would get the free number, and lines of the log would be written into a database.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free, this one
            os.set_inheritable(number, True)
            # The interpreter has None for what was closed when it began.
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
