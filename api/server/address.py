"""Whether the service can listen where it is told to, asked before anything has started."""

from __future__ import annotations

import errno
import socket

from domain.errors import ConfigurationError


def check_address(host: str, port: int) -> None:
    """Refuse an address that cannot be listened on.

    Raises:
        ConfigurationError: HOST is no name or address of this machine, or PORT is taken or not allowed.
    """
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise ConfigurationError(
            f"HOST: {host} is not known here ({error.strerror}): set an address of this machine, such as 127.0.0.1"
        ) from None
    # A name may have an address of a family that the machine lacks: what is wrong with the last one tried counts.
    wrong: OSError | None = None
    for family, kind, protocol, _, address in addresses:
        try:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise ConfigurationError(
                    f"PORT: {port} of {host} is taken by another program: end it, or set another one (0: any)"
                ) from None
            wrong = error
        else:
            return
    if wrong is not None and wrong.errno in {errno.EACCES, errno.EPERM}:
        raise ConfigurationError(f"PORT: this user may not listen on {port}: set one from 1024 on, such as 8000")
    if wrong is not None:
        raise ConfigurationError(f"HOST: {host} is no address of this machine: set one, such as 127.0.0.1 or 0.0.0.0")
