"""Records and lanes beside each other: figures, verdicts, calibration and pairs, from settled entries."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from domain.errors import InvalidRequest, StorageUnavailable
from domain.ledger.days import Aggregate
from domain.ledger.entries import PLAN, LedgerLane
from domain.ledger.settlements import LedgerRecord
from domain.market import Timeframe
from domain.trading.evidence import EvidenceVerdict
from domain.values import Signal
from services.ledger.scoring.queries import Grouping, RecordQuery
from services.ledger.scoring.records import Record
from services.ledger.scoring.scores import LedgerScores
from tests.fixtures.clocks import SettableClock
from tests.fixtures.ledger import MemoryLedger
from tests.fixtures.settled import DAY_BEGIN_MS, HOUR_MS, keep, settled

NOW = datetime(2021, 2, 10, 12, tzinfo=UTC)
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


@pytest.fixture
def scores(ledger: MemoryLedger) -> LedgerScores:
    return LedgerScores(ledger, SettableClock(NOW))


def calls(
    count: int,
    right: Callable[[int], bool],
    *,
    size: float = 0.01,
    horizon: int = 1,
    rises: Callable[[int], bool] | None = None,
    **changes: Any,
) -> list[LedgerRecord]:
    """Return calls of stretches that follow each other; the market rises in every second one, or as told."""
    step_ms = HOUR_MS * (horizon or 24)
    found = []
    for number in range(count):
        up = rises(number) if rises else number % 2 == 0
        side = Signal.LONG if up is right(number) else Signal.SHORT
        closed_ms = DAY_BEGIN_MS + number * step_ms
        known: dict[str, Any] = {"closed_ms": closed_ms, "known_ms": closed_ms + 1_000, "side": side}
        if side is Signal.SHORT:
            known |= {"stop": 102.0, "target": 96.0}
        found.append(settled(size if up else -size, (horizon,), **known | changes))
    return found


async def record_of(ledger: MemoryLedger, scores: LedgerScores, records: Sequence[LedgerRecord]) -> Record:
    """Return the only record that these entries make."""
    await keep(ledger, records)
    (found,) = await scores.track_record(RecordQuery(60))
    return found


async def test_calls_that_are_right_and_pay_are_positive(ledger: MemoryLedger, scores: LedgerScores) -> None:
    found = await record_of(ledger, scores, calls(400, lambda number: number % 10 < 7))
    assert (found.count, found.hits, found.effective) == (400, 280, 400)
    assert (found.hit_rate, found.base_rate) == (0.7, 0.5)
    assert found.low is not None
    assert found.high is not None
    assert 0.6 < found.low < 0.7 < found.high < 0.8
    assert found.bps == pytest.approx(40)
    assert found.net_bps == pytest.approx(28)
    assert found.verdict is EvidenceVerdict.POSITIVE
    assert (found.r, found.ece) == (None, None)


async def test_calls_that_are_right_and_earn_less_than_their_costs_are_weak(
    ledger: MemoryLedger, scores: LedgerScores
) -> None:
    found = await record_of(ledger, scores, calls(400, lambda number: number % 10 < 7, size=0.002))
    assert found.net_bps == pytest.approx(8 - 12)
    assert found.verdict is EvidenceVerdict.WEAK


@pytest.mark.parametrize(
    ("count", "right", "verdict"),
    [
        (29, lambda number: True, EvidenceVerdict.INSUFFICIENT),
        (300, lambda number: number % 4 < 2, EvidenceVerdict.NONE),
        (300, lambda number: number % 10 < 2, EvidenceVerdict.INVERTED),
    ],
)
async def test_verdicts_of_too_few_of_chance_and_of_the_wrong_side(
    ledger: MemoryLedger, scores: LedgerScores, count: int, right: Callable[[int], bool], verdict: EvidenceVerdict
) -> None:
    assert (await record_of(ledger, scores, calls(count, right))).verdict is verdict


async def test_always_long_in_a_rising_market_shows_nothing_however_often_it_is_right(
    ledger: MemoryLedger, scores: LedgerScores
) -> None:
    rises = lambda number: number % 10 < 8  # noqa: E731
    found = await record_of(ledger, scores, calls(400, rises, rises=rises))
    assert (found.hit_rate, found.base_rate) == (0.8, 0.8)
    assert found.verdict is EvidenceVerdict.NONE


async def test_plans_are_judged_by_their_result_in_units_of_their_risk(
    ledger: MemoryLedger, scores: LedgerScores
) -> None:
    """Three of five plans win 1 R, the others lose it: after 35 the interval still has zero in it."""
    plans: dict[str, Any] = {"size": 0.02, "horizon": PLAN, "timeframe": Timeframe.M5}
    few = await record_of(ledger, scores, calls(35, lambda number: number % 5 < 3, **plans))
    assert (few.key.horizon, few.targets + few.stops) == (PLAN, 35)
    assert few.r == pytest.approx(0.2)
    assert few.net_r == pytest.approx(0.2 - 0.06)
    assert few.r_low is not None
    assert few.r_low < 0
    assert few.verdict is EvidenceVerdict.NONE
    assert few.stated == 35
    assert few.ece is not None
    assert few.ece > 0


async def test_after_the_warm_up_the_usual_questions_load_nothing() -> None:
    """In a process of its own, since another test may have loaded it."""
    script = """
import asyncio, sys
from datetime import UTC, datetime
from services.ledger.scoring.queries import RecordQuery
from services.ledger.scoring.scores import LedgerScores
from tests.fixtures.clocks import SettableClock
from tests.fixtures.ledger import MemoryLedger

async def ask():
    reads = []
    scores = LedgerScores(MemoryLedger(lambda: reads.append(1)), SettableClock(datetime(2021, 2, 10, tzinfo=UTC)))
    await scores.warm()
    loaded, before = set(sys.modules), len(reads)
    assert before
    await scores.track_record(RecordQuery(30))
    await scores.pairs(30)
    assert len(reads) > before, "what is kept now would be old for the first caller"
    assert set(sys.modules) == loaded and "scipy.special" in loaded and "scipy.stats" not in loaded

asyncio.run(ask())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stderr=subprocess.PIPE)
    _, problems = await process.communicate()
    assert process.returncode == 0, problems.decode()


async def test_the_warm_up_of_a_store_that_is_down_ends_quietly() -> None:
    def down() -> None:
        raise StorageUnavailable("the store is down")

    await LedgerScores(MemoryLedger(down), SettableClock(NOW)).warm()


async def test_markets_that_do_the_same_count_as_one(ledger: MemoryLedger, scores: LedgerScores) -> None:
    right = np.random.default_rng(4).random(200) < 0.5
    copies = [record for symbol in SYMBOLS for record in calls(200, lambda n: bool(right[n]), symbol=symbol)]
    found = await record_of(ledger, scores, copies)
    assert found.count == 600
    assert found.effective == pytest.approx(200, rel=0.02)
    by_symbol = await scores.track_record(RecordQuery(60, Grouping.SYMBOL))
    assert [(record.key.symbol, record.count, round(record.effective)) for record in by_symbol] == [
        (symbol, 200, 200) for symbol in SYMBOLS
    ]


async def test_records_are_told_apart_by_what_is_asked_and_only_the_days_asked_count(
    ledger: MemoryLedger, scores: LedgerScores
) -> None:
    old = calls(48, lambda number: True, lane_id="aaaaaaaaaaaa")
    later_ms = 30 * 24 * HOUR_MS
    new = [
        settled(
            0.01,
            closed_ms=DAY_BEGIN_MS + later_ms + hour * HOUR_MS,
            known_ms=DAY_BEGIN_MS + later_ms + hour * HOUR_MS,
            lane_id="bbbbbbbbbbbb",
            confidence=0.72,
        )
        for hour in range(24)
    ]
    await keep(ledger, [*old, *new])

    async def told(group: Grouping, attribute: str, **wanted: Any) -> list[tuple[object, int]]:
        found = await scores.track_record(RecordQuery(60, group, **wanted))
        return [(getattr(record.key, attribute), record.count) for record in found]

    assert await told(Grouping.VERSION, "lane_id") == [("aaaaaaaaaaaa", 48), ("bbbbbbbbbbbb", 24)]
    assert await told(Grouping.SIDE, "side") == [("Long", 48), ("Short", 24)]
    assert await told(Grouping.CONFIDENCE, "bin") == [("0.60-0.65", 48), ("0.70-0.75", 24)]
    days = [date(2021, 1, 4), date(2021, 1, 5), date(2021, 2, 3)]
    assert await told(Grouping.DAY, "day") == [(day, 24) for day in days]
    assert await told(Grouping.SIDE, "side", symbol="BTCUSDT") == [("Long", 48), ("Short", 24)]
    assert await told(Grouping.LANE, "lane", symbol="ETHUSDT") == []
    assert await told(Grouping.LANE, "lane", horizon=4) == []
    recent = await scores.track_record(RecordQuery(10))
    assert [(record.count, record.first_day) for record in recent] == [(24, days[2])]
    with pytest.raises(InvalidRequest, match="leave symbol out"):
        await scores.track_record(RecordQuery(60, Grouping.CONFIDENCE, symbol="BTCUSDT"))


async def test_neutral_answers_are_the_control_group_of_the_sides(ledger: MemoryLedger, scores: LedgerScores) -> None:
    await keep(ledger, calls(40, lambda number: True, side=Signal.NEUTRAL))
    (found,) = await scores.track_record(RecordQuery(60, Grouping.SIDE))
    assert (found.key.side, found.count, found.hit_rate) == ("Neutral", 40, 0.5)
    (lane,) = await scores.track_record(RecordQuery(60))
    assert (lane.count, lane.neutral, lane.hit_rate, lane.low) == (0, 40, None, None)


async def test_the_calibration_says_what_occurred_of_what_was_stated(
    ledger: MemoryLedger, scores: LedgerScores
) -> None:
    """Of 0.7, seven of ten rose; of 0.9, half did: a third of the statements is 0.4 off."""
    honest = calls(100, lambda n: True, rises=lambda n: n % 10 < 7, lane=LedgerLane.MODEL, probability_up=0.7)
    boasting = [
        settled(
            0.01 if number % 2 else -0.01,
            lane=LedgerLane.MODEL,
            probability_up=0.9,
            closed_ms=DAY_BEGIN_MS + (100 + number) * HOUR_MS,
            known_ms=DAY_BEGIN_MS + (100 + number) * HOUR_MS,
        )
        for number in range(50)
    ]
    await keep(ledger, [*honest, *boasting])
    ((_, bins),) = (await scores.calibration(RecordQuery(60))).items()
    assert [(row.bin, row.count, row.occurred) for row in bins] == [("0.70-0.80", 100, 0.7), ("0.90-1.00", 50, 0.5)]
    assert bins[0].low < 0.7 < bins[0].high
    assert bins[1].high < 0.9
    (found,) = await scores.track_record(RecordQuery(60))
    assert found.stated == 150
    assert found.ece == pytest.approx(0.4 / 3)


async def test_two_lanes_are_compared_on_the_same_candles_alone(ledger: MemoryLedger, scores: LedgerScores) -> None:
    """The LLM contradicts the rules in 40 of 100 candles and is right in 30 of these; elsewhere it says the same."""
    rules = calls(120, lambda number: number % 100 < 60 or number % 4 == 3)
    llm = calls(100, lambda number: number < 60 or number % 4 != 3, lane=LedgerLane.LLM)
    await keep(ledger, [*rules, *llm])
    (found,) = await scores.pairs(60)
    assert (found.first, found.second, found.moments, found.calls) == ("rules", "llm", 100, 100)
    assert (found.both_right, found.first_right, found.second_right) == (60, 10, 30)
    # Twice the chance of at least 30 heads in 40 flips.
    assert found.mcnemar_p == pytest.approx(0.00222, abs=1e-5)
    assert found.second_better == 0.75
    assert found.low is not None
    assert found.low > 0.5
    assert found.net_bps_gain == pytest.approx(20 * 200 / 100)
    assert found.verdict is EvidenceVerdict.WEAK
    assert found.stated == 0


async def test_a_lane_that_stays_out_is_compared_by_what_the_other_earned(
    ledger: MemoryLedger, scores: LedgerScores
) -> None:
    rules = calls(60, lambda number: number % 3 == 0)
    llm = calls(60, lambda number: True, lane=LedgerLane.LLM, side=Signal.NEUTRAL)
    await keep(ledger, [*rules, *llm])
    (found,) = await scores.pairs(60)
    assert (found.calls, found.first_alone, found.first_alone_hits, found.second_alone) == (0, 60, 20, 0)
    # The rules lost 33 bps a call, and 12 of costs.
    assert found.net_bps_gain == pytest.approx(100 / 3 + 12)
    assert found.gain_low is not None
    assert (found.mcnemar_p, found.second_better, found.verdict) == (None, None, EvidenceVerdict.INSUFFICIENT)


async def test_stated_probabilities_of_two_lanes_are_compared_by_their_brier_losses(
    ledger: MemoryLedger, scores: LedgerScores
) -> None:
    rises = lambda number: number % 4 != 0  # noqa: E731
    rules = calls(80, rises, rises=rises, probability_up=0.5)
    model = calls(80, rises, rises=rises, lane=LedgerLane.MODEL, probability_up=0.75)
    await keep(ledger, [*rules, *model])
    (found,) = await scores.pairs(60)
    assert found.stated == 80
    assert found.brier_gain == pytest.approx(0.25 - (0.75 * 0.0625 + 0.25 * 0.5625))


class CountingLedger(MemoryLedger):
    """Counts how often sums are read."""

    reads = 0

    async def aggregates(self, level: str, since: date, until: date) -> list[Aggregate]:
        self.reads += 1
        return await super().aggregates(level, since, until)


async def test_an_answer_is_shared_for_a_moment_and_made_anew_after_it_also_when_the_clock_is_set_back() -> None:
    ledger, clock = CountingLedger(), SettableClock(NOW)
    scores = LedgerScores(ledger, clock)
    await keep(ledger, calls(10, lambda number: True))
    first = await scores.track_record(RecordQuery(60))
    reads = ledger.reads
    assert await scores.track_record(RecordQuery(60)) == first
    assert ledger.reads == reads
    clock.advance(60)
    await scores.track_record(RecordQuery(60))
    assert ledger.reads == 2 * reads
    clock.moment -= timedelta(hours=1)
    await scores.track_record(RecordQuery(60))
    assert ledger.reads == 3 * reads


async def test_a_store_that_is_down_is_said_and_the_next_question_asks_it_again() -> None:
    down = True

    def step() -> None:
        if down:
            raise StorageUnavailable("the store is down")

    scores = LedgerScores(MemoryLedger(step), SettableClock(NOW))
    with pytest.raises(StorageUnavailable):
        await scores.track_record(RecordQuery(60))
    down = False
    assert await scores.track_record(RecordQuery(60)) == []
