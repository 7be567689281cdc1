"""Which API key may be used now: a pure state machine that knows keys by their numbers alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from config.llm_settings import LlmRestSettings

KeyStatus = Literal["ready", "spacing", "resting", "retired"]


class CallOutcome(StrEnum):
    """Outcome of a call for the key that it was made with."""

    ANSWERED = "answered"
    MODEL_UNKNOWN = "model_unknown"
    FORMAT_REFUSED = "format_refused"
    PARAMETER_REFUSED = "parameter_refused"
    BAD_REQUEST = "bad_request"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    QUOTA = "quota"
    RATE_LIMITED = "rate_limited"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    SERVER_ERROR = "server_error"


# Faults of the request or the model: every key would get the same answer.
NOT_THE_KEYS_FAULT = frozenset(
    {
        CallOutcome.MODEL_UNKNOWN,
        CallOutcome.FORMAT_REFUSED,
        CallOutcome.PARAMETER_REFUSED,
        CallOutcome.BAD_REQUEST,
    }
)
# Limits and quotas belong to the organization, so they hold for all of its keys.
_SHARED = frozenset({CallOutcome.QUOTA, CallOutcome.RATE_LIMITED})


@dataclass(frozen=True)
class KeyState:
    """One key as operators see it.

    Attributes:
        number: From 1, in the order of the configuration.
        ready_in_seconds: 0 when ready, None when retired.
        reason: Why it rests or is retired.
        calls: Since start; `failures`: failed calls by fault of the key or the endpoint.
    """

    number: int
    status: KeyStatus
    ready_in_seconds: float | None
    reason: CallOutcome | None
    calls: int
    failures: int


@dataclass
class _Key:
    number: int
    used_at: float = -math.inf
    rests_until: float = -math.inf
    reason: CallOutcome | None = None
    troubles_in_a_row: int = 0
    calls: int = 0
    failures: int = 0


class KeyRing:
    """Gives out the key that was used longest ago among those that may be used.

    A key may be used when its spacing has passed since its last use began, it does not rest
    and it is not retired. A rest is never shortened by a later report.
    """

    def __init__(
        self,
        keys: int,
        *,
        spacing_seconds: float,
        rests: LlmRestSettings,
        monotonic: Callable[[], float],
        groups: Sequence[Sequence[int]] = (),
    ) -> None:
        """Start with every key ready.

        Args:
            keys: How many there are, >= 1; they are numbered from 1.
            spacing_seconds: Between the starts of two uses of one key, >= 0.
            rests: How long a key rests after what.
            monotonic: Seconds that never jump back.
            groups: Numbers of keys that share an organization's limits; a key in none stands alone.
        """
        self._keys = {number: _Key(number) for number in range(1, keys + 1)}
        known = [[number for number in group if number in self._keys] for group in groups]
        self._groups = {number: group for group in known for number in group}
        self._spacing_seconds = spacing_seconds
        self._rests = rests
        self._monotonic = monotonic

    def acquire(self) -> int | None:
        """Return the number of a key to use now, or None; never waits."""
        now = self._monotonic()
        ready = [key for key in self._keys.values() if self._ready_at(key) <= now]
        if not ready:
            return None
        key = min(ready, key=lambda key: (key.used_at, key.number))
        key.used_at = now
        key.calls += 1
        return key.number

    def hand_back(self, number: int, seconds: float) -> None:
        """Take back a key that was just acquired and not used: another process leaves it free after these seconds."""
        key = self._keys[number]
        key.calls -= 1
        key.used_at = self._monotonic() + seconds - self._spacing_seconds

    def used_elsewhere(self, number: int, seconds: float) -> None:
        """Take note that another process leaves a key free after these seconds, unless it waits longer anyway."""
        key = self._keys[number]
        key.used_at = max(key.used_at, self._monotonic() + seconds - self._spacing_seconds)

    def ready_in_seconds(self) -> float | None:
        """Return when the next key will be ready: 0 for now, None when all are retired."""
        earliest = min(self._ready_at(key) for key in self._keys.values())
        return None if earliest == math.inf else max(0.0, earliest - self._monotonic())

    def report(self, number: int, outcome: CallOutcome, retry_after_seconds: float | None = None) -> None:
        """Record the outcome of a call.

        Args:
            number: The key it was made with.
            outcome: What it says about the key.
            retry_after_seconds: The rest that the endpoint asked for, None when it named none.
        """
        key = self._keys[number]
        if outcome in NOT_THE_KEYS_FAULT:
            return
        if outcome is CallOutcome.ANSWERED:
            key.troubles_in_a_row = 0
            return
        key.failures += 1
        rest_seconds = self._rest_seconds(key, outcome, retry_after_seconds)
        shared_by = self._groups.get(number, [number]) if outcome in _SHARED else [number]
        for member in shared_by:
            self._rest(self._keys[member], outcome, rest_seconds)

    def states(self) -> list[KeyState]:
        """Return every key's state, for operators."""
        return [self._state(key) for key in self._keys.values()]

    def _rest_seconds(self, key: _Key, outcome: CallOutcome, asked: float | None) -> float:
        match outcome:
            case CallOutcome.UNAUTHORIZED:
                return math.inf
            case CallOutcome.FORBIDDEN | CallOutcome.QUOTA:
                return self._rests.quota_seconds
            case CallOutcome.RATE_LIMITED:
                return self._clamped(self._rests.rate_limit_seconds if asked is None else asked)
            case _:
                key.troubles_in_a_row += 1
                # a power beyond 2 ** 63 would overflow long before it matters
                doubled = self._rests.trouble_seconds * 2.0 ** min(key.troubles_in_a_row - 1, 63)
                return max(min(doubled, self._rests.max_trouble_seconds), self._clamped(asked or 0.0))

    def _clamped(self, asked_seconds: float) -> float:
        return min(max(asked_seconds, 0.0), self._rests.max_rate_limit_seconds)

    def _rest(self, key: _Key, reason: CallOutcome, seconds: float) -> None:
        until = self._monotonic() + seconds
        if until > key.rests_until:
            key.rests_until, key.reason = until, reason

    def _ready_at(self, key: _Key) -> float:
        return max(key.used_at + self._spacing_seconds, key.rests_until)

    def _state(self, key: _Key) -> KeyState:
        now = self._monotonic()
        status: KeyStatus = "ready"
        if key.rests_until == math.inf:
            status = "retired"
        elif key.rests_until > now:
            status = "resting"
        elif key.used_at + self._spacing_seconds > now:
            status = "spacing"
        waiting = max(0.0, self._ready_at(key) - now)
        return KeyState(
            key.number,
            status,
            None if status == "retired" else waiting,
            key.reason if status in {"resting", "retired"} else None,
            key.calls,
            key.failures,
        )
