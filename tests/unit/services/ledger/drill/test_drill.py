"""The drill's parts: simulated candles with the properties that are known of them, and what makes a drill fail."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from domain.arrays import FloatArray
from domain.errors import InvalidRequest
from domain.ledger.entries import LedgerLane
from domain.market import CandleSeries, Timeframe
from domain.trading.evidence import EvidenceVerdict
from domain.values import epoch_ms
from services.ledger.drill.job import remove_abandoned
from services.ledger.drill.markets import DrillCandles, DrillClock, simulate
from services.ledger.drill.parameters import DrillParameters, SimulatedWalk
from services.ledger.drill.result import DrillResult, DrillTimes, LaneCount
from services.ledger.drill.watching import Watch
from services.ledger.scoring.clusters import RecordGroup
from services.ledger.scoring.records import Record, RecordKey, records_of

START = datetime(2021, 1, 4, tzinfo=UTC)
FAIR = SimulatedWalk(edge=0.0, correlation=0.0, seed=3)
HOUR_DEVIATION = 0.006
DAY = date(2021, 1, 4)
NO_SECONDS = DrillTimes(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def markets(walk: SimulatedWalk, count: int = 40_000, symbols: tuple[str, ...] = ("A1", "B1")) -> list[CandleSeries]:
    return list(simulate(symbols, Timeframe.H1, epoch_ms(START), count, walk).values())


def returns(series: CandleSeries) -> FloatArray:
    return np.asarray(np.log(series.closes / series.opens))


def correlation(first: FloatArray, second: FloatArray) -> float:
    return float(np.corrcoef(first, second)[0, 1])


def test_candles_are_whole_and_follow_one_another() -> None:
    for series in markets(FAIR):
        assert series.regular
        assert (series.highs >= np.maximum(series.opens, series.closes)).all()
        assert (series.lows <= np.minimum(series.opens, series.closes)).all()
        np.testing.assert_allclose(series.opens[1:], series.closes[:-1], rtol=1e-12)


def test_prices_are_a_fair_game_without_memory() -> None:
    for series in markets(FAIR):
        moves = series.closes / series.opens - 1
        assert abs(moves.mean()) < 4 * HOUR_DEVIATION / np.sqrt(len(moves))
        assert abs(correlation(moves[1:], moves[:-1])) < 4 / np.sqrt(len(moves))


def test_highs_and_lows_are_those_of_a_brownian_motion() -> None:
    # The mean of its greatest height in a unit of time is sqrt(2 / pi) standard deviations.
    expected = HOUR_DEVIATION * np.sqrt(2 / np.pi)
    for series in markets(FAIR):
        assert np.log(series.highs / series.opens).mean() == pytest.approx(expected, rel=0.03)
        assert np.log(series.opens / series.lows).mean() == pytest.approx(expected, rel=0.03)


def test_markets_move_together_as_far_as_is_asked() -> None:
    for asked in (0.0, 0.5, 0.9):
        first, second = map(returns, markets(replace(FAIR, correlation=asked)))
        assert correlation(first, second) == pytest.approx(asked, abs=0.03)


def test_a_planted_trend_goes_on() -> None:
    for series in markets(replace(FAIR, edge=0.5)):
        moves = returns(series)
        # Of noise with variance 1 and a trend with variance 0.25, which turns at one in 96 candles.
        assert correlation(moves[1:], moves[:-1]) == pytest.approx(0.25 / 1.25 * (1 - 2 / 96), abs=0.03)


@pytest.mark.parametrize("hours", [0, 1, 7])
async def test_the_store_gives_no_candle_of_the_future(hours: int) -> None:
    clock = DrillClock(START + timedelta(hours=hours, minutes=30))
    found = simulate(("A1",), Timeframe.H1, epoch_ms(START), 10, FAIR)
    candles = await DrillCandles(found, clock).candle_history("A1", Timeframe.H1, 100)
    assert [candle.close for candle in candles] == found["A1"].closes[:hours].tolist()


def test_a_drill_for_hours_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="1,296,000 answers are too many"):
        DrillParameters(90, 50, Timeframe.M5, FAIR)
    with pytest.raises(InvalidRequest, match="candles of 5m"):
        DrillParameters(1, 1, Timeframe.D1, FAIR)


def record(verdict: EvidenceVerdict, low: float, high: float) -> Record:
    """Return a record at 4 candles with this verdict and interval of the hit rate."""
    key = RecordKey(LedgerLane.RULES, Timeframe.H1, 4)
    (found,) = records_of({key: RecordGroup(DAY, DAY, {})}, {})
    return replace(found, verdict=verdict, low=low, high=high)


def result(*looks: Record, edge: float = 0.0, neutral: int = 9, settled: int = 40, waiting: int = 0) -> DrillResult:
    watch = Watch()
    for day, found in enumerate(looks, 1):
        watch.look(day, [found])
    return DrillResult(
        parameters=DrillParameters(2, 1, Timeframe.H1, replace(FAIR, edge=edge)),
        answers=10,
        lanes={LedgerLane.RULES: LaneCount(10, neutral)},
        owed=40,
        settled=settled,
        waiting=waiting,
        watched=tuple(watch.watched),
        seconds=NO_SECONDS,
    )


NONE = record(EvidenceVerdict.NONE, 0.4, 0.6)


def test_a_fair_drill_without_a_false_verdict_passes() -> None:
    found = result(NONE, NONE)
    assert (list(found.failures()), found.found_day) == ([], None)
    assert [known.covers for known in found.watched] == [True]


@pytest.mark.parametrize("verdict", [EvidenceVerdict.WEAK, EvidenceVerdict.POSITIVE, EvidenceVerdict.INVERTED])
def test_a_verdict_on_nothing_fails_the_drill_even_if_it_is_taken_back(verdict: EvidenceVerdict) -> None:
    failures = list(result(record(verdict, 0.4, 0.6), NONE).failures())
    assert failures == [f"rules, horizon 4: the verdict was {verdict} on candles without any edge"]


def test_an_interval_that_once_left_the_truth_out_fails_the_drill() -> None:
    found = result(record(EvidenceVerdict.NONE, 0.51, 0.6), NONE)
    assert list(found.failures()) == ["rules, horizon 4: the interval of hit_rate left the truth out"]
    assert [known.covers for known in found.watched] == [False]


def test_what_is_not_settled_fails_every_drill() -> None:
    lifted = record(EvidenceVerdict.WEAK, 0.6, 0.7)
    for failures in (result(NONE, settled=39, waiting=1), result(lifted, edge=0.5, settled=39, waiting=1)):
        assert list(failures.failures()) == ["39 of 40 horizons were settled, and 1 still wait"]


def test_sides_taken_on_nothing_fail_the_drill() -> None:
    assert list(result(NONE, neutral=5).failures()) == [
        "only 50% of the entries are Neutral on candles without any edge"
    ]


def test_a_planted_edge_is_found_on_the_first_day_with_lift() -> None:
    lifted = record(EvidenceVerdict.WEAK, 0.6, 0.7)
    found = result(NONE, lifted, lifted, edge=0.5)
    assert (list(found.failures()), found.found_day) == ([], 2)
    assert list(result(NONE, edge=0.5).failures()) == ["the planted edge was not found"]


def test_folders_of_killed_drills_are_removed_after_a_day(tmp_path: Path) -> None:
    now_seconds, hour_seconds = 1_700_000_000.0, 3_600.0
    for name, hours in (
        ("trading-signal-drill-old", 25),
        ("trading-signal-drill-running", 23),
        ("drill-of-others", 99),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "drill.db").touch()
        for path in (tmp_path / name / "drill.db", tmp_path / name):
            os.utime(path, (now_seconds, now_seconds - hours * hour_seconds))
    remove_abandoned(tmp_path, now_seconds)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["drill-of-others", "trading-signal-drill-running"]
