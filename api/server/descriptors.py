"""How many file descriptors the process has, and how many are taken."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterator
from time import monotonic

from loguru import logger

from services.health.degraded import Degraded

# Counting the open ones costs microseconds for each: the own connections are counted in between.
MEASURE_SECONDS = 5.0
# More than any service of this kind needs; some hosts allow a billion.
MOST = 65_536
_FOLDER = "/dev/fd"


class Descriptors:
    """Knows when the limit of open files comes near, and says so in the log once each time.

    Attributes:
        reserve: The last ones, kept for requests, the store, logs and sources.
    """

    def __init__(
        self,
        reserve: int,
        limit: int | None = None,
        measure: Callable[[], int | None] | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._limit = limit
        self.reserve = reserve
        self._measure = measure or _open_now
        self._clock = clock
        self._others = 0
        self._connections = 0
        self._measured_at = -MEASURE_SECONDS
        self._short = False

    def opened(self) -> None:
        """Count a connection that was made."""
        self._connections += 1

    def closed(self) -> None:
        """Count a connection that is gone."""
        self._connections -= 1

    @property
    def limit(self) -> int:
        """Descriptors the process may have open."""
        return self._limit if self._limit is not None else _soft_limit()

    @property
    def in_use(self) -> int:
        """Descriptors that are open: the own connections to the unit, everything else as of a few seconds ago."""
        now = self._clock()
        if now - self._measured_at >= MEASURE_SECONDS:
            self._measured_at = now
            found = self._measure()
            # Without a descriptor for the folder that lists them, all are taken.
            self._others = (self.limit if found is None else found) - self._connections
        return self._others + self._connections

    @property
    def short(self) -> bool:
        """Whether only the reserve is left; ends when a quarter of it more is free, so that it does not flutter."""
        margin = max(1, self.reserve // 4) if self._short else 0
        in_use = self.in_use
        short = in_use > self.limit - self.reserve - margin
        if short != self._short:
            self._short = short
            log = logger.bind(open=in_use, limit=self.limit, reserve=self.reserve)
            if short:
                log.warning("file descriptors run out: sockets are refused, idle connections closed; raise `ulimit -n`")
            else:
                log.info("file descriptors are free again")
        return short

    def degraded(self) -> Iterator[Degraded]:
        """Give what /health says while they are short."""
        if self.short:
            reason = f"{self.in_use} of {self.limit} file descriptors are open; new sockets are refused"
            yield Degraded("file_descriptors", reason, "raise the limit of open files (`ulimit -n`) and start again")

    @property
    def spent(self) -> bool:
        """Whether even half of the reserve is taken."""
        return self.in_use > self.limit - self.reserve // 2


def _soft_limit() -> int:
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MOST if soft == resource.RLIM_INFINITY else soft


def raise_limit() -> None:
    """Take as many descriptors as the host allows: the usual soft limit of 1,024 holds less than 1,000 sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _open_now() -> int | None:
    try:
        # The listing itself takes one.
        return len(os.listdir(_FOLDER)) - 1
    except OSError:
        return None
