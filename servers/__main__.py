"""`python -m servers start|stop|status [FOLDER]`: Redis, RabbitMQ and mongod for a developer."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from servers.kept import SERVERS, KeptServers
from servers.process import MissingServer

DEFAULT_FOLDER = Path(__file__).resolve().parent.parent / "data" / "services"


def main() -> int:
    """Run the command; standard output has what a shell or a person asked for, standard error the rest."""
    parser = argparse.ArgumentParser(
        prog="scripts/services.sh", description="Redis, RabbitMQ and mongod on free ports of 127.0.0.1."
    )
    parser.add_argument("command", choices=["start", "stop", "status"])
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT_FOLDER, help="of their files: data/services")
    arguments = parser.parse_args()
    servers = KeptServers(arguments.folder)
    try:
        return {"start": _start, "stop": _stop, "status": _status}[arguments.command](servers)
    except (MissingServer, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1


def _start(servers: KeptServers) -> int:
    for variable, url in servers.start().items():
        print(f"export {variable}={url}")
    return 0


def _stop(servers: KeptServers) -> int:
    stopped = servers.stop()
    print(f"stopped: {', '.join(SERVERS[variable].name for variable in stopped) or 'nothing, none ran'}")
    return 0


def _status(servers: KeptServers) -> int:
    """Return 0 if all of them run, 3 if not, as the status of a service of the system."""
    known = servers.status()
    for variable, server_class in SERVERS.items():
        kept = known.get(variable)
        if kept is not None and kept.running:
            print(f"{server_class.name}: runs as process {kept.processes[-1][0]}, {variable}={kept.url}")
        else:
            print(f"{server_class.name}: does not run")
    return 0 if all(variable in known and known[variable].running for variable in SERVERS) else 3


if __name__ == "__main__":
    sys.exit(main())
