"""Whether the LLM can be asked, how long its model will live, and how long the loop waits for a key."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from config.llm_settings import LlmSettings
from services.llm.calling.key_ring import CallOutcome, KeyRing, KeyState, KeyStatus
from services.llm.calling.key_turns import KeyTurns
from services.llm.calling.patience import wait_for_a_key
from services.llm.sharing import ALONE
from services.llm.status import can_be_asked, shutdown_warning
from tests.fixtures.clocks import SettableClock
from tests.fixtures.settings import configured


def settings(**changes: object) -> LlmSettings:
    models = {"gpt-4o-mini": {"shutdown_date": "2027-01-14"}}
    return configured(LlmSettings, **{"models": models, **changes})


def warning(year: int, month: int, day: int, **changes: object) -> str | None:
    return shutdown_warning(settings(**changes), SettableClock(datetime(year, month, day, 12, tzinfo=UTC)))


def test_the_end_of_a_model_is_announced_two_months_before() -> None:
    assert warning(2026, 11, 14) is None
    assert warning(2026, 11, 15, fallback_models=["gpt-6-luna"]) == (
        "the LLM gpt-4o-mini is switched off on 2027-01-14, in 60 days; gpt-6-luna is asked then"
    )
    assert warning(2027, 1, 14, fallback_models=[]) == (
        "the LLM gpt-4o-mini was to be switched off on 2027-01-14; llm.model names no other"
    )
    assert warning(2027, 1, 14, model="llama3.2:3b") is None


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (["ready"], True),
        (["spacing", "retired"], True),
        (["resting", "retired"], False),
        (["retired"], False),
        ([], False),
    ],
)
def test_a_key_in_its_spacing_will_be_ready_and_a_resting_one_may_not(
    statuses: list[KeyStatus], expected: bool
) -> None:
    states = [KeyState(number, status, 0, CallOutcome.QUOTA, 0, 0) for number, status in enumerate(statuses, 1)]
    assert can_be_asked(states) is expected


class Ring:
    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds

    def ready_in_seconds(self) -> float | None:
        return self._seconds

    @property
    def turns(self) -> KeyTurns:
        ring = KeyRing(1, spacing_seconds=0, rests=configured(LlmSettings).rests, monotonic=float)
        return KeyTurns(ring, ALONE, configured(LlmSettings))


@pytest.mark.parametrize(("ready_in", "slept"), [(0, []), (12.5, [12.5]), (20, [20]), (3600, []), (None, [])])
async def test_the_loop_waits_for_spacing_and_for_no_rest(ready_in: float | None, slept: list[float]) -> None:
    sleeps: list[float] = []

    async def sleep(seconds: float) -> None:
        sleeps.append(seconds)

    await wait_for_a_key(Ring(ready_in), 20, sleep)  # type: ignore[arg-type]  # has what is read of a key ring
    assert sleeps == slept


async def test_without_an_llm_nothing_is_waited_for() -> None:
    await wait_for_a_key(None, 20)
