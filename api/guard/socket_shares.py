"""How many sockets each address holds, so that one address cannot hold every place of `/ws`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from api.guard.access import Caller, share_of
from utils.client_warnings import client_warnings


class SocketShares:
    """Counts the open sockets of each address; trusted networks may take every place.

    An engine's host and a proxy on this machine hold many sockets for good reason.
    """

    def __init__(self, max_per_address: int) -> None:
        self._max_per_address = max_per_address
        self._open: Counter[str] = Counter()

    def has_room(self, caller: Caller) -> bool:
        """Return whether a caller may open one more socket."""
        return caller.trusted or self._open[share_of(caller.address)] < self._max_per_address

    @contextmanager
    def held(self, caller: Caller) -> Iterator[None]:
        """Count a socket as long as it is open."""
        share = share_of(caller.address)
        self._open[share] += 1
        if not self.has_room(caller):
            # Clients behind one proxy look like one address until TRUSTED_PROXIES names the proxy.
            client_warnings.warn("one address holds its whole share of the websocket places", address=share)
        try:
            yield
        finally:
            self._open[share] -= 1
            # Addresses come and go without end.
            if not self._open[share]:
                del self._open[share]
