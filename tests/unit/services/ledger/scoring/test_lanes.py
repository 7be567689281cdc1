"""LaneWatch that cost money: what they bring for it, and when they are asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from config.ledger_settings import LedgerSettings
from domain.ledger.entries import PLAN, LedgerLane
from domain.ledger.settlements import LedgerRecord
from domain.market import Timeframe
from domain.values import Signal
from services.ledger.scoring.lanes import LaneGate, LaneWatch, costs_of
from services.ledger.scoring.queries import RecordQuery
from services.ledger.scoring.scores import LedgerScores
from tests.fixtures.clocks import SettableClock
from tests.fixtures.ledger import MemoryLedger
from tests.fixtures.settings import configured
from tests.fixtures.settled import DAY_BEGIN_MS, HOUR_MS, keep, settled

NOW = datetime(2021, 3, 20, 12, tzinfo=UTC)
DAYS_AHEAD = 60


def plans(
    count: int,
    right: Callable[[int], bool],
    symbols: int = 8,
    begin: int = 0,
    horizons: tuple[int, ...] = (PLAN,),
    **changes: Any,
) -> list[LedgerRecord]:
    """Return plans of the LLM, one a day and market, which win or lose 2 R and whose markets rise and fall in turn.

    They are those of five-minute candles: none is open on the next day.
    """
    found = []
    for number in range(count):
        day, market = divmod(number, symbols)
        up = (day + market) % 2 == 0
        closed_ms = DAY_BEGIN_MS + (begin + day) * 24 * HOUR_MS
        known: dict[str, Any] = {
            "lane": LedgerLane.LLM,
            "symbol": f"MARKET{market}",
            "closed_ms": closed_ms,
            "known_ms": closed_ms,
            "side": Signal.LONG if up is right(number) else Signal.SHORT,
            "timeframe": Timeframe.M5,
        }
        found.append(settled(0.04 if up else -0.04, horizons, **known | changes))
    return found


def lanes(ledger: MemoryLedger, clock: SettableClock) -> LaneWatch:
    settings = configured(LedgerSettings, lane_trial_calls=200, lane_sample_share=0.1)
    return LaneWatch(LedgerScores(ledger, clock), settings)


def share_asked(gate: LaneGate) -> float:
    asked = [gate.asks(symbol, hour * HOUR_MS) for symbol in ("BTCUSDT", "ETHUSDT") for hour in range(2_000)]
    return sum(asked) / len(asked)


async def test_a_lane_without_lift_is_asked_each_time_until_its_trial_is_over_and_then_for_a_sample() -> None:
    ledger, clock = MemoryLedger(), SettableClock(NOW)
    own = lanes(ledger, clock)
    await own.review()
    assert (own.gate.sampling, share_asked(own.gate), list(own.gate.degraded())) == (False, 1.0, [])
    chance = plans(200, lambda number: number % 3 == 0 or number % 5 == 0)
    await keep(ledger, chance[:199])
    clock.advance(60)
    await own.review()
    assert (own.gate.calls, own.gate.sampling) == (199, False)
    await keep(ledger, chance)
    clock.advance(60)
    await own.review()
    assert (own.gate.calls, own.gate.sampling) == (200, True)
    assert share_asked(own.gate) == pytest.approx(0.1, abs=0.02)
    (found,) = own.gate.degraded()
    assert found.part == "lane.llm"
    assert found.reason.startswith("200 settled plans of the llm lane show no lift, so it is asked about 10%")


async def test_all_requests_about_one_candle_are_answered_alike() -> None:
    gate = LaneGate(LedgerLane.LLM, 1, 0.5)
    gate.sampling = True
    first = [gate.asks("BTCUSDT", hour * HOUR_MS) for hour in range(100)]
    assert first == [gate.asks("BTCUSDT", hour * HOUR_MS) for hour in range(100)]
    assert 30 < sum(first) < 70


async def test_a_lane_with_lift_is_asked_each_time() -> None:
    ledger = MemoryLedger()
    own = lanes(ledger, SettableClock(NOW))
    await keep(ledger, plans(240, lambda number: number % 10 < 8))
    await own.review()
    assert (own.gate.calls, own.gate.sampling, share_asked(own.gate)) == (240, False, 1.0)


async def test_lift_of_slow_candles_shows_at_the_longest_horizon_as_their_plans_are_too_few_clusters() -> None:
    for horizons, sampling in (((PLAN,), True), ((1, PLAN), True), ((24, PLAN), False)):
        ledger = MemoryLedger()
        own = lanes(ledger, SettableClock(NOW))
        slow = plans(240, lambda number: number % 10 < 8, horizons=horizons, timeframe=Timeframe.H1)
        await keep(ledger, slow)
        await own.review()
        assert (own.gate.calls, own.gate.sampling) == (240, sampling)


async def test_a_sampled_lane_comes_back_when_its_calls_show_lift_once_the_old_ones_are_too_old() -> None:
    ledger, clock = MemoryLedger(), SettableClock(NOW)
    own = lanes(ledger, clock)
    await keep(ledger, plans(400, lambda number: number % 2 == 0))
    await own.review()
    assert own.gate.sampling
    await keep(ledger, plans(240, lambda number: number % 10 < 8, begin=DAYS_AHEAD))
    clock.advance((DAYS_AHEAD + 10) * 86_400)
    await own.review()
    assert (own.gate.calls, own.gate.sampling) == (240, False)


async def test_another_version_of_a_lane_begins_a_trial_of_its_own() -> None:
    ledger, clock = MemoryLedger(), SettableClock(NOW)
    own = lanes(ledger, clock)
    await keep(ledger, plans(400, lambda number: number % 2 == 0))
    await own.review()
    assert own.gate.sampling
    await keep(ledger, plans(8, lambda number: False, begin=55, lane_id="another00000"))
    clock.advance(60)
    await own.review()
    assert (own.gate.calls, own.gate.sampling) == (8, False)


async def test_the_review_goes_on_after_the_store_was_down() -> None:
    """The task is still there, and what it said last still holds."""
    from domain.errors import StorageUnavailable

    asked = asyncio.Event()

    def step() -> None:
        asked.set()
        raise StorageUnavailable("the store is down")

    own = lanes(MemoryLedger(step), SettableClock(NOW))
    task = asyncio.ensure_future(own.run())
    await asyncio.wait_for(asked.wait(), 10)
    await asyncio.sleep(0)
    assert not task.done()
    assert not own.gate.sampling
    task.cancel()


async def test_the_cost_of_a_lane_is_told_by_answer_by_right_call_above_the_base_rate_and_by_basis_point() -> None:
    """Of 100 calls at 0.01 USD, 70 are right where the better constant side has 50; two of three answers repeat."""
    ledger, clock = MemoryLedger(), SettableClock(NOW)
    records = []
    for hour in range(100):
        up = hour % 2 == 0
        side = Signal.LONG if up is (hour % 10 < 7) else Signal.SHORT
        closed_ms = DAY_BEGIN_MS + hour * HOUR_MS
        records += [
            settled(
                0.01 if up else -0.01,
                lane=LedgerLane.LLM,
                side=side,
                cost_usd=0.01,
                closed_ms=closed_ms,
                known_ms=closed_ms + repeat,
            )
            for repeat in range(3)
        ]
    await keep(ledger, records)
    (cost,) = costs_of(await LedgerScores(ledger, clock).track_record(RecordQuery(90)))
    assert (cost.answers, cost.horizon, cost.right_above_base) == (300, 1, 20)
    assert cost.cost_usd == pytest.approx(3.0)
    assert cost.usd_per_answer == pytest.approx(0.01)
    assert cost.usd_per_right_above_base == pytest.approx(0.15)
    assert cost.net_bps == pytest.approx(100 * (40 - 12))
    assert cost.usd_per_net_bps == pytest.approx(3 / 2_800)


async def test_a_lane_that_brings_nothing_has_no_price_of_a_right_call() -> None:
    ledger, clock = MemoryLedger(), SettableClock(NOW)
    await keep(ledger, [settled(-0.01, lane=LedgerLane.LLM, cost_usd=0.01)])
    (cost,) = costs_of(await LedgerScores(ledger, clock).track_record(RecordQuery(90)))
    assert (cost.right_above_base, cost.usd_per_right_above_base, cost.usd_per_net_bps) == (-1, None, None)
    await keep(ledger, [settled(0.01, symbol="FREE", lane=LedgerLane.RULES)])
    clock.advance(60)
    found = await LedgerScores(ledger, clock).track_record(RecordQuery(90, lane=LedgerLane.RULES))
    assert costs_of(found) == []
