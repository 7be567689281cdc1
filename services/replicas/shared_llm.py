"""Turns of the LLM's keys, its budgets and its questions, shared by replicas through Redis.

Keys of the API are named by a hash. While Redis is lost, every replica decides by itself, as if it were alone.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from hashlib import sha256

from services.llm.sharing import PeriodBudget
from services.replicas.link import RedisLink, RedisLost

# Between two looks at a question that another replica asks.
LOOK_SECONDS = 0.2
_NO_STOP = -1

_TURN = """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
return redis.call('PTTL', KEYS[1])
"""
_TURNS = """
local left = {}
for i, key in ipairs(KEYS) do left[i] = redis.call('PTTL', key) end
return left
"""
# The spent sum is at least that of the caller's books, so that a lost counter begins again where it was.
_RESERVE = """
local most, spent = tonumber(ARGV[1]), {}
for i, key in ipairs(KEYS) do
  local stop = tonumber(ARGV[3 * i])
  spent[i] = math.max(tonumber(redis.call('GET', key) or '0'), tonumber(ARGV[3 * i - 1]))
  if stop >= 0 and spent[i] + most > stop then return i end
end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.0f', spent[i] + most), 'EX', ARGV[3 * i + 1])
end
return 0
"""
_SETTLE = """
for _, key in ipairs(KEYS) do
  if redis.call('EXISTS', key) == 1 then redis.call('INCRBY', key, ARGV[1]) end
end
"""
_ASK = "return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0"
_ASKED = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"


class SharedLlm:
    """Agrees with the other replicas, each step by one atomic script."""

    def __init__(self, link: RedisLink) -> None:
        """Agree through this link."""
        self._link = link
        self._origin = uuid.uuid4().hex

    async def turn(self, key_id: str, seconds: float) -> float:
        """Take the turn of a key for these seconds; return 0, or the seconds left where another replica has it."""
        try:
            left = await self._link.run(_TURN, [self._turn_key(key_id)], [self._origin, _ms(seconds)])
        except RedisLost:
            return 0.0
        return max(int(left), 0) / 1000

    async def turns(self, key_ids: Sequence[str]) -> list[float]:
        """Return the seconds until each key is free at other replicas and here, 0 where it is or where none knows."""
        try:
            left = await self._link.run(_TURNS, [self._turn_key(key_id) for key_id in key_ids], [])
        except RedisLost:
            return [0.0 for _ in key_ids]
        return [max(int(milliseconds), 0) / 1000 for milliseconds in left]

    async def reserve(self, accounts: Sequence[PeriodBudget], most: int) -> str | None:
        """Count the greatest cost of a call as spent; return the period whose stop forbids it, then none is counted."""
        values = [most]
        for account in accounts:
            values += [account.spent, _NO_STOP if account.stop is None else account.stop, account.kept_seconds]
        try:
            refused = int(await self._link.run(_RESERVE, self._spent_keys(accounts), values))
        except RedisLost:
            return None
        return accounts[refused - 1].period if refused else None

    async def settle(self, accounts: Sequence[PeriodBudget], difference: int) -> None:
        """Add what calls have cost less what was reserved for them."""
        with suppress(RedisLost):  # the next reservation of any replica brings its books along
            await self._link.run(_SETTLE, self._spent_keys(accounts), [difference])

    @asynccontextmanager
    async def asking(self, question: str, most_seconds: float) -> AsyncIterator[bool]:
        """Hold the right to ask a question; give whether another replica has asked it meanwhile.

        Raises:
            TimeoutError: on entry, another replica still asks it after this time.
        """
        key, own, waited = self._link.key("llm", "asking", question), uuid.uuid4().hex, False
        async with asyncio.timeout(most_seconds):
            while not await self._may_ask(key, own, most_seconds):
                waited = True
                await asyncio.sleep(LOOK_SECONDS)
        try:
            yield waited
        finally:
            with suppress(RedisLost):  # it ends by itself
                await self._link.run(_ASKED, [key], [own])

    async def _may_ask(self, key: str, own: str, seconds: float) -> bool:
        try:
            return bool(await self._link.run(_ASK, [key], [own, _ms(seconds)]))
        except RedisLost:
            return True

    def _turn_key(self, key_id: str) -> str:
        return self._link.key("llm", "turn", sha256(key_id.encode()).hexdigest()[:32])

    def _spent_keys(self, accounts: Sequence[PeriodBudget]) -> list[str]:
        return [self._link.key("llm", "spent", account.period) for account in accounts]


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))
