"""The key ring: what each outcome does to a key, and laws that hold after any sequence of calls."""

from __future__ import annotations

import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from config.llm_settings import LlmRestSettings
from services.llm.calling.key_ring import NOT_THE_KEYS_FAULT, CallOutcome, KeyRing, KeyState
from tests.fixtures.clocks import SettableClock
from tests.fixtures.settings import configured

RESTS = configured(LlmRestSettings)
SPACING = 20.0
SHARED = {CallOutcome.QUOTA, CallOutcome.RATE_LIMITED}


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


def ring(
    clock: SettableClock, keys: int = 1, groups: tuple[tuple[int, ...], ...] = (), spacing: float = SPACING
) -> KeyRing:
    return KeyRing(keys, spacing_seconds=spacing, rests=RESTS, monotonic=clock.monotonic, groups=groups)


def failed_once(clock: SettableClock, outcome: CallOutcome, retry_after: float | None = None) -> KeyRing:
    keys = ring(clock)
    assert keys.acquire() == 1
    keys.report(1, outcome, retry_after)
    return keys


def only(keys: KeyRing) -> KeyState:
    (state,) = keys.states()
    return state


def test_a_key_is_given_once_per_spacing_and_the_next_time_is_known(clock: SettableClock) -> None:
    keys = ring(clock)
    assert keys.acquire() == 1
    assert keys.acquire() is None
    assert keys.ready_in_seconds() == SPACING
    clock.advance(19.5)
    assert keys.acquire() is None
    clock.advance(0.5)
    assert keys.ready_in_seconds() == 0
    assert keys.acquire() == 1


def test_keys_take_turns(clock: SettableClock) -> None:
    keys = ring(clock, 3, spacing=0)
    given = []
    for _ in range(6):
        given.append(keys.acquire())
        clock.advance(1)
    assert given == [1, 2, 3, 1, 2, 3]


def test_a_refused_key_is_retired(clock: SettableClock) -> None:
    keys = failed_once(clock, CallOutcome.UNAUTHORIZED)
    clock.advance(10**9)
    assert keys.acquire() is None
    assert keys.ready_in_seconds() is None
    assert only(keys) == KeyState(1, "retired", None, CallOutcome.UNAUTHORIZED, 1, 1)


@pytest.mark.parametrize(
    ("outcome", "retry_after", "rest"),
    [
        (CallOutcome.QUOTA, None, 3600),
        (CallOutcome.QUOTA, 5.0, 3600),
        (CallOutcome.FORBIDDEN, None, 3600),
        (CallOutcome.RATE_LIMITED, 45.0, 45),
        (CallOutcome.RATE_LIMITED, None, 60),
        (CallOutcome.RATE_LIMITED, 86_400.0, 3600),
        (CallOutcome.RATE_LIMITED, math.inf, 3600),
        (CallOutcome.TIMEOUT, None, 30),
        (CallOutcome.CONNECTION, None, 30),
        (CallOutcome.SERVER_ERROR, None, 30),
        (CallOutcome.SERVER_ERROR, 120.0, 120),
    ],
)
def test_a_key_rests_as_long_as_its_outcome_asks(
    clock: SettableClock, outcome: CallOutcome, retry_after: float | None, rest: float
) -> None:
    keys = failed_once(clock, outcome, retry_after)
    assert keys.ready_in_seconds() == rest
    assert only(keys) == KeyState(1, "resting", rest, outcome, 1, 1)
    clock.advance(rest)
    assert only(keys).status == "ready"
    assert only(keys).reason is None
    assert keys.acquire() == 1


def test_a_short_rest_leaves_the_spacing(clock: SettableClock) -> None:
    keys = failed_once(clock, CallOutcome.RATE_LIMITED, 0.5)
    clock.advance(0.5)
    assert only(keys) == KeyState(1, "spacing", 19.5, None, 1, 1)


@pytest.mark.parametrize("outcome", sorted(NOT_THE_KEYS_FAULT))
def test_a_faulty_request_does_not_rest_the_key(clock: SettableClock, outcome: CallOutcome) -> None:
    keys = failed_once(clock, outcome)
    assert only(keys) == KeyState(1, "spacing", SPACING, None, 1, 0)


def test_pauses_grow_until_an_answer(clock: SettableClock) -> None:
    keys = ring(clock)
    rests = []
    for _ in range(7):
        assert keys.acquire() == 1
        keys.report(1, CallOutcome.SERVER_ERROR)
        rests.append(keys.ready_in_seconds())
        clock.advance(rests[-1] or 0)
    assert rests == [30, 60, 120, 240, 480, 600, 600]
    assert keys.acquire() == 1
    keys.report(1, CallOutcome.ANSWERED)
    keys.report(1, CallOutcome.TIMEOUT)
    assert keys.ready_in_seconds() == 30


def test_trouble_without_end_does_not_overflow(clock: SettableClock) -> None:
    keys = ring(clock)
    for _ in range(5000):
        keys.report(1, CallOutcome.TIMEOUT)
    assert keys.ready_in_seconds() == 600


def test_a_late_report_shortens_no_rest(clock: SettableClock) -> None:
    keys = failed_once(clock, CallOutcome.QUOTA)
    keys.report(1, CallOutcome.RATE_LIMITED, 1.0)
    keys.report(1, CallOutcome.ANSWERED)
    assert only(keys) == KeyState(1, "resting", 3600, CallOutcome.QUOTA, 1, 2)


@pytest.mark.parametrize("outcome", sorted(SHARED))
def test_keys_of_an_organization_rest_together(clock: SettableClock, outcome: CallOutcome) -> None:
    keys = ring(clock, 3, groups=((1, 2),), spacing=0)
    assert keys.acquire() == 1
    keys.report(1, outcome)
    assert [state.status for state in keys.states()] == ["resting", "resting", "ready"]


@pytest.mark.parametrize("outcome", [CallOutcome.UNAUTHORIZED, CallOutcome.FORBIDDEN, CallOutcome.TIMEOUT])
def test_an_outcome_of_one_key_does_not_rest_its_organization(clock: SettableClock, outcome: CallOutcome) -> None:
    keys = ring(clock, 2, groups=((1, 2),), spacing=0)
    assert keys.acquire() == 1
    keys.report(1, outcome)
    assert keys.acquire() == 2


class Laws(RuleBasedStateMachine):
    """Any keys, groups and spacing; calls that overlap and end in any order, with any outcome.

    When each key was used and until when it rests is kept here anew, from the documented rules.
    """

    under_way: Bundle[int] = Bundle("under_way")

    @initialize(
        count=st.integers(1, 5),
        spacing=st.sampled_from([0.0, 1.0, 20.0]),
        grouped=st.integers(0, 5),
    )
    def start(self, count: int, spacing: float, grouped: int) -> None:
        self.clock = SettableClock()
        self.spacing = spacing
        self.group = set(range(1, min(grouped, count) + 1))
        self.ring = ring(self.clock, count, (tuple(self.group),), spacing)
        self.used = dict.fromkeys(range(1, count + 1), -math.inf)
        self.rests_until = dict.fromkeys(range(1, count + 1), -math.inf)
        self.troubles = dict.fromkeys(range(1, count + 1), 0)

    def ready(self) -> list[int]:
        return [
            number
            for number in self.used
            if self.used[number] + self.spacing <= self.clock.monotonic()
            and self.rests_until[number] <= self.clock.monotonic()
        ]

    @rule(seconds=st.sampled_from([0.0, 0.5, 1.0, 19.0, 20.0, 60.0, 600.0, 3600.0]))
    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(target=under_way)
    def acquire(self) -> int | MultipleResults[int]:
        ready = self.ready()
        number = self.ring.acquire()
        if not ready:
            assert number is None
            return multiple()
        # spaced, rested, and no other key has waited longer
        assert number in ready
        assert self.used[number] == min(self.used[other] for other in ready)
        self.used[number] = self.clock.monotonic()
        return number

    @rule(
        number=consumes(under_way),
        outcome=st.sampled_from(CallOutcome),
        retry_after=st.none() | st.floats(0, 10_000),
    )
    def report(self, number: int, outcome: CallOutcome, retry_after: float | None) -> None:
        self.ring.report(number, outcome, retry_after)
        told = min(retry_after or 0.0, RESTS.max_rate_limit_seconds)
        members = self.group if outcome in SHARED and number in self.group else {number}
        match outcome:
            case CallOutcome.ANSWERED:
                self.troubles[number] = 0
                return
            case fault if fault in NOT_THE_KEYS_FAULT:
                return
            case CallOutcome.UNAUTHORIZED:
                rest = math.inf
            case CallOutcome.QUOTA | CallOutcome.FORBIDDEN:
                rest = RESTS.quota_seconds
            case CallOutcome.RATE_LIMITED:
                rest = told if retry_after is not None else RESTS.rate_limit_seconds
            case _:
                growing = RESTS.trouble_seconds * 2 ** self.troubles[number]
                rest = max(min(growing, RESTS.max_trouble_seconds), told)
                self.troubles[number] += 1
        for member in members:
            self.rests_until[member] = max(self.rests_until[member], self.clock.monotonic() + rest)

    @precondition(lambda self: hasattr(self, "ring"))
    @invariant()
    def what_operators_see_is_so(self) -> None:
        ready = self.ready()
        states = self.ring.states()
        assert [state.number for state in states if state.status == "ready"] == ready
        in_seconds = self.ring.ready_in_seconds()
        assert (in_seconds == 0) is bool(ready)
        assert (in_seconds is None) is all(state.status == "retired" for state in states)
        for state in states:
            earliest = max(self.used[state.number] + self.spacing, self.rests_until[state.number])
            assert state.ready_in_seconds == (
                None if earliest == math.inf else max(0.0, earliest - self.clock.monotonic())
            )


TestLaws = Laws.TestCase
TestLaws.settings = settings(max_examples=50, stateful_step_count=40)
