"""A Redis of its own, which keeps every acknowledged write through a crash of the process."""

from __future__ import annotations

import shutil

import redis

from servers.process import MissingServer, ServerProcess

# Each caller of `fresh_url` has one to itself.
DATABASES = 1_024


class RedisServer(ServerProcess):
    """One redis-server; a write is in its file before it is answered."""

    name = "redis"
    _used = 0

    @property
    def url(self) -> str:
        """The URL of its first database."""
        return f"redis://127.0.0.1:{self.port}/0"

    def fresh_url(self) -> str:
        """Return the URL of a database that nothing has used; channels of publish and subscribe have no databases."""
        self._used += 1
        return f"redis://127.0.0.1:{self.port}/{self._used}"

    def answers(self) -> bool:
        """Return whether it answers a PING: connections are taken before the file is read."""
        with redis.Redis(port=self.port, socket_timeout=1, socket_connect_timeout=1) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    @staticmethod
    def program() -> str:
        """Return the path of redis-server.

        Raises:
            MissingServer: there is none.
        """
        found = shutil.which("redis-server")
        if found is None:
            raise MissingServer("no redis-server here: scripts/install_test_servers.sh installs it, as root")
        return found

    def _launch(self) -> None:
        self._run(
            [
                self.program(),
                *("--port", str(self.port), "--bind", "127.0.0.1", "--databases", str(DATABASES)),
                *("--dir", str(self.folder), "--appendonly", "yes", "--save", ""),
            ]
        )
