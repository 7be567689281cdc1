"""Judgements of real candles are what the service says to the window of each moment, over HTTP and by itself."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from api.schemas.responses import render_analysis
from backtesting.past.judging import judge_past
from backtesting.past.market import PastJudgement, PastMarket
from config.settings import AnalysisSettings
from domain.analysis import Analysis
from domain.market import Timeframe
from domain.values import epoch_ms, utc_time
from features.candle_reading.reading import read_candles
from tests.conftest import MakeClient
from tests.fixtures.bodies import wire_candles
from tests.fixtures.histories import INDICATORS, WEIGHER
from tests.fixtures.past_judgements import answer, judged_alone, known_then
from tests.fixtures.settings import configured

H1, H4 = Timeframe.H1, Timeframe.H4
RULES = configured(AnalysisSettings)
WINDOWS = {"as the service reads them": {H1: 300, H4: 300}, "as an engine posts them": {H1: 100, H4: 50}}
# Of each kind of windows.
MOMENTS, OVER_HTTP = 250, 50
# What an answer says of its own making, of models, whose forecasts a history is handed from outside, and of guards.
OWN = {"analysis_id", "timestamp", "generated_at", "data_age_seconds", "forecast_note", "gates"}
UNTIL_MS = epoch_ms(utc_time(1_672_531_200_000))


@cache
def bitcoin(folder: Path) -> PastMarket:
    """Return hours and four-hour candles from 2017 to the end of 2022."""
    series = read_candles(folder / "BTCUSDT-1h.csv.gz", epoch_ms(utc_time(2_000_000_000_000))).series
    return PastMarket("BTCUSDT", {H1: series.part(0, int(np.searchsorted(series.times_ms, UNTIL_MS)))}).with_longer(H4)


def judged_at(market: PastMarket, windows: dict[Timeframe, int]) -> list[PastJudgement]:
    """Return the judgements of random moments, in runs of five that follow each other."""
    closes = market.series[H1].times_ms + H1.ms
    firsts = np.random.default_rng([41, windows[H1]]).integers(400, len(closes) - 5, MOMENTS // 5)
    runs = (
        judge_past(
            market,
            RULES,
            INDICATORS,
            since_ms=int(closes[first]),
            until_ms=int(closes[first + 5]),
            windows=windows,
            weigher=WEIGHER,
        )
        for first in sorted(firsts.tolist())
    )
    return [one for run in runs for one in run]


def as_sent(analysis: Analysis) -> dict[str, Any]:
    """Return an analysis as the service words it, without what it says of its own making."""
    # Analyses with one id are worded once.
    analysis = analysis.model_copy(update={"analysis_id": uuid4().hex})
    body: dict[str, Any] = json.loads(render_analysis(analysis, cached=False, engine=False))
    return {name: value for name, value in body.items() if name not in OWN}


@pytest.mark.parametrize("name", WINDOWS)
def test_each_of_250_answers_is_that_to_its_own_window(real_data: Path, name: str) -> None:
    market, windows = bitcoin(real_data), WINDOWS[name]
    judged = judged_at(market, windows)
    assert len(judged) == MOMENTS
    for one in judged:
        assert answer(one.judgement) == answer(judged_alone(market, one.moment_ms, RULES, windows)), one.moment_ms
    contexts = [one.judgement.context for one in judged]
    assert any(context.missing_candles for context in contexts)
    assert len({one.judgement.verdict.signal for one in judged}) == 3


@pytest.mark.parametrize("name", WINDOWS)
def test_the_answers_are_those_of_the_service(real_data: Path, make_client: MakeClient, name: str) -> None:
    market, windows = bitcoin(real_data), WINDOWS[name]
    client = make_client(rate_limits={"enabled": False})
    for one in judged_at(market, windows)[:: MOMENTS // OVER_HTTP]:
        known = known_then(market, one.moment_ms, windows)
        body = {
            "symbol": market.symbol,
            "timeframe_data": {str(timeframe): wire_candles(part, len(part)) for timeframe, part in known.items()},
            "current_price": known[H1].candles[-1].close,
            "volume_24h": 0,
            "timestamp": one.moment_ms,
            "as_of": one.moment_ms,
            "strategy_context": {"selected_strategies": list(one.judgement.context.strategies)},
        }
        response = client.post("/ai/analyze", json=body)
        assert response.status_code == 200, response.text
        found = {name: value for name, value in response.json().items() if name not in OWN}
        assert found == as_sent(answer(one.judgement)), one.moment_ms
