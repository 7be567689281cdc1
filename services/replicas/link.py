"""The connection to the Redis that replicas share: commands that end soon, and one channel that is listened to."""

from __future__ import annotations

import asyncio
import os
import random
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, NoReturn

from loguru import logger

from config.server_settings import RedisSettings
from domain.errors import AppError
from services.health.degraded import Degraded

# After this time without a message, or the time limit of a command if that is longer, the channel is pinged; it has as
# long again to answer.
QUIET_SECONDS = 1.0
# Pause before a lost Redis is tried again, doubled up to the greatest and drawn between its half and itself.
FIRST_PAUSE_SECONDS = 0.1
MAX_PAUSE_SECONDS = 3.0
# Concurrent commands; further ones wait for a connection within the same timeout.
MAX_CONNECTIONS = 16

_ERROR_NUMBER = re.compile(r"Error (\d+) ")


class RedisLost(AppError):
    """Redis does not answer: this replica goes on alone."""

    code = "redis_lost"


class RedisLink:
    """Runs commands, and listens to the channel of the deployment as long as Redis is there.

    Attributes:
        available: Whether the channel is listened to now; the first state is not.
    """

    def __init__(self, settings: RedisSettings) -> None:
        """Make the client; nothing is connected yet.

        Args:
            settings: With a URL.

        Raises:
            ConfigurationError: the URL names no Redis.
        """
        # Takes 60 ms, which only several replicas are worth.
        from redis.asyncio import BlockingConnectionPool, Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
        from redis.exceptions import ConnectionError as NotConnected
        from redis.exceptions import RedisError
        from redis.exceptions import TimeoutError as TooSlow

        self.prefix = settings.prefix
        self.available = False
        self._timeout_seconds = settings.timeout_ms / 1000
        self._quiet_seconds = max(self._timeout_seconds, QUIET_SECONDS)
        self.pool: Any = BlockingConnectionPool.from_url(
            settings.url.get_secret_value(),
            max_connections=MAX_CONNECTIONS,
            timeout=self._timeout_seconds,
            socket_connect_timeout=self._quiet_seconds,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
        self._redis = Redis(connection_pool=self.pool)
        self._failures = (RedisError, OSError, TimeoutError)
        self._unreached = (NotConnected, TooSlow)
        self._scripts: dict[str, Any] = {}
        self._lost_for = ""
        self._refused: str | None = None
        self._tried = asyncio.Event()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
        await self.pool.disconnect()

    def key(self, *parts: str) -> str:
        """Return the name of a key or channel of this deployment."""
        return ":".join((self.prefix, *parts))

    async def run(self, script: str, keys: Sequence[str], values: Sequence[str | int]) -> Any:
        """Return what a Lua script returns, which Redis runs as one step.

        Raises:
            RedisLost: Redis is lost, or did not do it within the timeout; then it may have done it or not.
        """
        known = self._scripts.get(script)
        if known is None:
            known = self._scripts[script] = self._redis.register_script(script)
        return await self.guarded(known(keys=list(keys), args=list(values)))

    async def send(self, channel: str, texts: Sequence[str]) -> None:
        """Publish texts in their order; raises as `run`."""
        pipeline = self._redis.pipeline(transaction=False)
        for text in texts:
            pipeline.publish(channel, text)
        await self.guarded(pipeline.execute())

    async def guarded(self, command: Awaitable[Any]) -> Any:
        """Return the result of a command of this client's connections; raises as `run`."""
        if not self.available:
            if asyncio.iscoroutine(command):
                command.close()
            raise RedisLost("Redis is lost")
        try:
            async with asyncio.timeout(self._timeout_seconds):
                result = await command
        except self._failures as failure:
            if (task := asyncio.current_task()) and task.cancelling():  # which the client took for a failure
                raise asyncio.CancelledError from failure
            self._refused = self._words(failure)
            raise RedisLost(f"Redis did not answer: {self._refused}") from failure
        self._refused = None
        return result

    async def listen(self, channel: str, take: Callable[[str], None], changed: Callable[[bool], None]) -> NoReturn:
        """Give every text of the channel to `take`, and connect again whenever Redis is lost, until canceled.

        Args:
            channel: As `key` names it.
            take: Must not raise.
            changed: Told that Redis is there, and that it is lost.
        """
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                async with self._redis.pubsub() as subscription:
                    await self._subscribe(subscription, channel)
                    # Connections from before a restart of Redis look alive until the first command on them is lost.
                    await self.pool.disconnect(inuse_connections=False)
                    pause = FIRST_PAUSE_SECONDS
                    self._found()
                    changed(True)
                    await self._read(subscription, take)
            except self._failures as failure:
                if self._lose(failure):
                    changed(False)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - only spreads replicas
            pause = min(2 * pause, MAX_PAUSE_SECONDS)

    async def tried(self) -> None:
        """Return when Redis has answered or failed for the first time."""
        await self._tried.wait()

    def degraded(self) -> Iterator[Degraded]:
        """Yield Redis while it is lost or refuses commands; until the first try nothing is known."""
        if not self._tried.is_set():
            return
        alone = "this replica goes on alone: events of others do not reach its sockets, limits and budgets are its own"
        remedy = "start the Redis of REDIS_URL, and let this replica reach it; it is tried again by itself"
        if not self.available:
            yield Degraded("redis", f"Redis is lost: {self._lost_for}; {alone}", remedy)
        elif self._refused is not None:
            reason = f"Redis did not do its last command: {self._refused}; limits and budgets are counted here alone"
            yield Degraded("redis", reason, "see the log of Redis for its memory, its clients and its permissions")

    async def _subscribe(self, subscription: Any, channel: str) -> None:
        async with asyncio.timeout(2 * self._quiet_seconds):
            await subscription.subscribe(channel)
            # Messages that are published before Redis has confirmed the subscription do not arrive.
            while await subscription.get_message(timeout=self._quiet_seconds) is None:
                pass

    async def _read(self, subscription: Any, take: Callable[[str], None]) -> NoReturn:
        asked = False
        while True:
            message = await subscription.get_message(timeout=self._quiet_seconds)
            if message is not None:
                asked = False
                if message["type"] == "message":
                    take(message["data"])
            elif asked:
                raise TimeoutError("it gives no sign of life")
            else:
                await subscription.ping()
                asked = True

    def _found(self) -> None:
        if self._lost_for:
            logger.info("Redis is back: replicas share again what they share")
        self.available, self._lost_for, self._refused = True, "", None
        self._tried.set()

    def _lose(self, failure: BaseException) -> bool:
        """Note the loss, and return whether it is a new one."""
        new = not self._lost_for
        self.available, self._lost_for = False, self._words(failure)
        self._tried.set()
        if new:
            logger.bind(reason=self._lost_for).warning("Redis is lost: this replica goes on alone")
        return new

    def _words(self, failure: BaseException) -> str:
        """Return what failed, without the address of Redis that the client's messages have: all may read `/health`."""
        if type(failure) in self._unreached:
            number = _ERROR_NUMBER.match(str(failure))
            return os.strerror(int(number[1])) if number else "it does not answer"
        return " ".join(str(failure).split())[:200] or type(failure).__name__
