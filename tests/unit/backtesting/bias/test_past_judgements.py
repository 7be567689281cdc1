"""Past judgements that know later moments are named, those of the service are not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from backtesting.bias.checks import BiasCheck, BiasKind
from backtesting.bias.lookahead import EARLY_MOMENTS, find_lookahead
from backtesting.bias.past import past_check
from backtesting.bias.rules import rule_check
from config.settings import IndicatorSettings
from domain.hours.sessions import AROUND_THE_CLOCK
from domain.market import CandleSeries, Timeframe
from features.candle_reading.reading import read_candles
from features.indicators.technical_indicators import TechnicalIndicators
from services.bias.reports import BiasSubject, lookahead_report
from services.market_data.longer_timeframes import higher_timeframes
from tests.fixtures.histories import ANALYSIS, INDICATORS, simulated
from tests.fixtures.settings import configured

MARKET = simulated(11, count=600)
MOMENTS = 10


class MixedUpIndicators(TechnicalIndicators):
    """Gives each of several moments that are measured together the oscillator of the last of them."""

    def newest(self, *arguments: Any, **options: Any) -> list[dict[str, float]]:
        found = super().newest(*arguments, **options)
        return [{**indicators, "rsi": found[-1]["rsi"]} for indicators in found]


def early(series: CandleSeries) -> Mapping[Timeframe, CandleSeries]:
    """Return four hours that are dated one candle back, as where their close is taken for their open."""
    four = series.resample(Timeframe.H4)
    shown = CandleSeries.of_arrays(Timeframe.H4, four.times_ms - Timeframe.H4.ms, four.values, AROUND_THE_CLOCK)
    return {Timeframe.H1: series, Timeframe.H4: shown}


def culprits(*checks: BiasCheck) -> set[tuple[BiasKind, str]]:
    found = find_lookahead(checks, MARKET, MOMENTS, lambda *_: None)
    return {(culprit.kind, culprit.name) for culprit in found.culprits}


def test_moments_that_are_mixed_up_where_they_are_measured_together_are_found_in_past_judgements_alone() -> None:
    mixed = MixedUpIndicators(configured(IndicatorSettings))
    assert culprits(rule_check(ANALYSIS, mixed, higher_timeframes)) == set()
    found = culprits(past_check(ANALYSIS, mixed, higher_timeframes))
    assert (BiasKind.PAST_JUDGEMENT, "score.RSI Strategy") in found
    assert {kind for kind, _ in found} == {BiasKind.PAST_JUDGEMENT}
    assert not {name for _, name in found if name.startswith(("direction", "levels.", "exits.long.stop"))}


def test_a_longer_candle_that_shows_too_early_is_named() -> None:
    names = {name for _, name in culprits(past_check(ANALYSIS, INDICATORS, early))}
    assert "direction.4h" in names
    assert "direction.1h" not in names


def test_past_judgements_say_what_the_rules_say() -> None:
    positions = np.array([30, 90, 200, 431, 599])
    past, rules = (
        check(ANALYSIS, INDICATORS, higher_timeframes).measure(MARKET, positions) for check in (past_check, rule_check)
    )
    assert past.keys() == rules.keys()
    for name, values in past.items():
        np.testing.assert_array_equal(values, rules[name], err_msg=name)


def test_the_report_has_past_judgements_and_names_nothing_of_the_service() -> None:
    subject = BiasSubject("BTCUSDT", MARKET.tail(300), ANALYSIS, configured(IndicatorSettings))
    report = lookahead_report(subject, 2, lambda *_: None)
    assert report["culprits"] == []
    assert report["moments"] == 2 + len(EARLY_MOMENTS)
    assert report["checked_by_kind"]["past_judgement"] == report["checked_by_kind"]["rule"] > 30


def test_past_judgements_of_real_candles_do_not_look_ahead(real_data: Path) -> None:
    series = read_candles(real_data / "BTCUSDT-1h.csv.gz", 0x7FFF_FFFF_FFFF).series.part(10_000, 12_000)
    check = past_check(ANALYSIS, INDICATORS, higher_timeframes)
    found = find_lookahead([check], series, MOMENTS, lambda *_: None)
    assert found.culprits == ()
    assert found.checked[BiasKind.PAST_JUDGEMENT] > 30
