"""What replicas share, opened together; without a Redis each part works for one process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

from config.server_settings import RedisSettings
from services.broadcast.hub import SignalHub
from services.health.degraded import Degraded
from services.llm.sharing import ALONE, LlmSharing
from services.replicas.bus import open_bus
from services.replicas.hints import Hints
from services.replicas.link import RedisLink
from services.replicas.shared_llm import SharedLlm


@dataclass(frozen=True)
class Replicas:
    """The ways to other replicas; `link` is None where no Redis is configured."""

    link: RedisLink | None
    hints: Hints
    llm: LlmSharing

    def degraded(self) -> Iterator[Degraded]:
        """Yield Redis while it is lost."""
        if self.link is not None:
            yield from self.link.degraded()


@asynccontextmanager
async def open_replicas(settings: RedisSettings, hub: SignalHub) -> AsyncIterator[Replicas]:
    """Carry what is published on the hub to other replicas, where a Redis is configured."""
    hints = Hints()
    if not settings.url.get_secret_value():
        yield Replicas(None, hints, ALONE)
        return
    async with aclosing(RedisLink(settings)) as link, open_bus(link, hub, hints):
        yield Replicas(link, hints, SharedLlm(link))
