"""A real mongod for one scenario."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faults.scenario import NotTried
from servers.mongod import Mongod
from servers.process import MissingServer


@contextmanager
def running_mongod(folder: Path) -> Iterator[Mongod]:
    """Run a server with its files in a new folder there, until the block ends.

    Raises:
        NotTried: there is none on this machine.
    """
    server = Mongod(folder / "mongod")
    try:
        server.start()
    except MissingServer as error:
        raise NotTried("no mongod here") from error
    try:
        yield server
    finally:
        server.send(signal.SIGCONT)
        server.stop()
