"""Forecasts of the model in production: from which candles, by which version, and what happens without one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from domain.analysis import DataSource
from domain.errors import InsufficientData, InvalidMarketData, ModelUnavailable
from domain.forecasting import ANY_SYMBOL, ModelType
from domain.market import Candle, CandleSeries, Timeframe
from domain.values import Signal
from models.architectures.outputs import unpack_horizons
from models.evaluation.calibration import Calibration
from models.registry.registry import Registry
from models.serving.forecaster import FeatureRows, Forecaster, Forecasts
from tests.fixtures.forecasting import (
    BEST,
    H1,
    HISTORY,
    LEAST,
    Models,
    add_fitted,
    expected_forecasts,
    market,
    promote,
    put_in_production,
)
from tests.fixtures.models import NOON, add_ensemble

pytest_plugins = ["tests.fixtures.registry", "tests.fixtures.logs"]

ALL = list(HISTORY.candles)


@pytest.fixture
async def models(registry: Registry) -> AsyncIterator[Models]:
    """Return the forecasting of the empty registry."""
    with ThreadPoolExecutor(2, thread_name_prefix="forecasting") as executor:
        yield Models(registry, executor)


def calibrated(probability: float) -> Calibration:
    """Return the calibration that makes one probability of all."""
    return Calibration(kind="isotonic", points=((0.0, probability), (1.0, probability)))


async def test_a_forecast_is_that_of_the_version_for_the_newest_rows(registry: Registry, models: Models) -> None:
    version = put_in_production(registry)
    forecast = await models.forecasting.forecast(market(ALL), H1)
    probability = float(expected_forecasts(registry, version, HISTORY).probability_up[0])
    assert forecast.probability_up == probability
    assert 0.01 < probability < 0.99
    assert forecast.confidence == pytest.approx(abs(2 * probability - 1))
    assert (forecast.model_version, forecast.model_type) == (version, ModelType.LSTM)
    assert forecast.individual_predictions == {"lstm": probability}
    assert (forecast.disagreement, forecast.expected_returns) == (0.0, {})


@pytest.mark.parametrize(
    ("probability", "signal"),
    [(0.4, Signal.SHORT), (0.41, Signal.NEUTRAL), (0.59, Signal.NEUTRAL), (0.6, Signal.LONG)],
)
async def test_the_signal_begins_at_the_configured_probabilities(
    registry: Registry, models: Models, probability: float, signal: Signal
) -> None:
    put_in_production(registry, calibration=calibrated(probability))
    forecast = await models.forecasting.forecast(market(ALL), H1)
    assert (forecast.probability_up, forecast.signal) == (probability, signal)


async def test_candles_that_still_form_do_not_count(registry: Registry, models: Models) -> None:
    put_in_production(registry)
    last = ALL[-1]
    wild = Candle(last.timestamp + H1.ms, last.close, last.close * 3, last.close / 3, last.close * 2, 1e6)
    closed = await models.forecasting.forecast(market(ALL), H1)
    assert await models.forecasting.forecast(market([*ALL, wild]), H1) == closed
    # An older market: its 15m candles have not reached the end of the last hour.
    quarter = Candle(last.timestamp, last.open, last.high, last.low, last.close, 1.0)
    forming = market(ALL)
    forming = replace(
        forming, series={**forming.series, Timeframe.M15: CandleSeries(Timeframe.M15, [quarter])}, price=last.close
    )
    one_less = await models.forecasting.forecast(market(ALL[:-1]), H1)
    assert await models.forecasting.forecast(forming, H1) == one_less != closed


@pytest.mark.parametrize("own", [1, LEAST - 1, LEAST, BEST - 1])
async def test_too_few_candles_are_completed_by_stored_ones(registry: Registry, models: Models, own: int) -> None:
    put_in_production(registry)
    models.store.candles = list(ALL)
    completed = await models.forecasting.forecast(market(ALL[-own:]), H1)
    assert completed == await models.forecasting.forecast(market(ALL[-BEST:]), H1)


async def test_enough_candles_ask_no_store(registry: Registry, models: Models) -> None:
    put_in_production(registry)
    await models.forecasting.forecast(market(ALL[-BEST:]), H1)
    assert models.store.calls == []


async def test_the_clients_candles_take_precedence_over_stored_ones(registry: Registry, models: Models) -> None:
    put_in_production(registry)
    models.store.candles = [*ALL[:-20], *(Candle(c.timestamp, c.open, c.high, c.low, c.low, 0.0) for c in ALL[-20:])]
    completed = await models.forecasting.forecast(market(ALL[-20:]), H1)
    assert completed == await models.forecasting.forecast(market(ALL[-BEST:]), H1)


async def test_a_hole_of_the_client_is_filled_and_one_that_stays_ends_the_history(
    registry: Registry, models: Models
) -> None:
    put_in_production(registry)
    holey = [*ALL[:-30], *ALL[-29:]]
    with pytest.raises(InsufficientData, match=rf"needs {LEAST} closed 1h candles .* there are 29 \(received 501, st"):
        await models.forecasting.forecast(market(holey[-501:]), H1)
    models.store.candles = list(ALL)
    assert await models.forecasting.forecast(market(holey), H1) == await models.forecasting.forecast(market(ALL), H1)


async def test_stored_candles_after_the_clients_newest_are_its_future(registry: Registry, models: Models) -> None:
    put_in_production(registry)
    models.store.candles = list(ALL)
    past = ALL[-200:-50]
    models.store.candles = list(ALL[-40:])
    alone = await models.forecasting.forecast(market(past), H1)
    models.store.candles = list(ALL[-150:])
    assert await models.forecasting.forecast(market(past), H1) == alone


async def test_synthetic_candles_are_never_completed_by_real_ones(registry: Registry, models: Models) -> None:
    put_in_production(registry)
    models.store.candles = list(ALL)
    with pytest.raises(InsufficientData, match="there are 20"):
        await models.forecasting.forecast(market(ALL[-20:], DataSource.SYNTHETIC), H1)


async def test_a_store_that_is_down_leaves_the_clients_candles(registry: Registry, models: Models) -> None:
    put_in_production(registry)
    models.store.failing = True
    assert (await models.forecasting.opinion(market(ALL[-LEAST:]), H1)).forecast
    opinion = await models.forecasting.opinion(market(ALL[-LEAST + 1 :]), H1)
    assert opinion.note == (
        f"the lstm model needs {LEAST} closed 1h candles without a gap up to the newest; "
        f"there are {LEAST - 1} (received {LEAST - 1}, stored 0)"
    )
    with pytest.raises(InsufficientData, match="there are 0"):
        await models.forecasting.forecast(market([]), H1)


async def test_without_a_model_the_message_says_how_to_train_one(registry: Registry, models: Models) -> None:
    put_in_production(registry, symbol="ETHUSDT")
    message = "python cli.py train FILE --type lightgbm --symbol BTCUSDT --timeframe 1h"
    for ask in (
        models.forecasting.forecast(market(ALL), H1),
        models.forecasting.wanted_candles("BTCUSDT", H1),
        models.forecasting.choose("BTCUSDT", [H1]),
    ):
        with pytest.raises(ModelUnavailable, match=message):
            await ask


async def test_the_preferred_timeframe_with_a_model_is_chosen(registry: Registry, models: Models) -> None:
    for timeframe in (Timeframe.M15, Timeframe.H4):
        put_in_production(registry, timeframe=timeframe, created_at=NOON + timedelta(seconds=timeframe.ms // 1000))
    put_in_production(registry, symbol=ANY_SYMBOL)
    choose = models.forecasting.choose
    assert await choose("BTCUSDT", Timeframe) is H1
    assert await choose("BTCUSDT", [Timeframe.H4, Timeframe.M15]) is Timeframe.M15
    assert await choose("BTCUSDT", [Timeframe.H4, Timeframe.D1]) is Timeframe.H4
    with pytest.raises(ModelUnavailable, match="for ETHUSDT on 15m, 4h; train one"):
        await choose("ETHUSDT", [Timeframe.H4, Timeframe.M15])


async def test_a_forecast_over_several_horizons_has_each(registry: Registry, models: Models) -> None:
    horizons = (1, 4, 16, 48)
    version = put_in_production(
        registry, ModelType.PATCHTST, outputs="multi_horizon", horizons_candles=horizons, horizon_candles=4
    )
    forecast = await models.forecasting.forecast(market(ALL), H1)
    told = unpack_horizons(expected_forecasts(registry, version, HISTORY).raw, horizons)
    assert forecast.horizon_candles == 4
    assert forecast.expected_returns == {horizon: float(values[0]) for horizon, values in told.returns.items()}
    assert list(forecast.expected_drawdowns) == list(forecast.expected_rallies) == [4, 48]


async def test_an_ensemble_lists_its_members_and_their_disagreement(registry: Registry, models: Models) -> None:
    low, high = (
        add_fitted(registry, kind, calibration=calibrated(probability))
        for kind, probability in ((ModelType.LSTM, 0.5), (ModelType.LOGISTIC, 0.9))
    )
    promote(registry, add_ensemble(registry, (low, 0.5), (high, 0.5)))
    forecast = await models.forecasting.forecast(market(ALL), H1)
    assert forecast.individual_predictions == {"lstm": 0.5, "logistic": 0.9}
    assert forecast.probability_up == pytest.approx(0.7)
    assert forecast.disagreement == pytest.approx(0.2)
    assert forecast.confidence == pytest.approx(0.4 * 0.6)
    assert forecast.model_type is ModelType.ENSEMBLE


async def test_a_broken_version_is_counted_and_logged_once_and_the_one_before_serves(
    registry: Registry, models: Models, log_lines: list[str]
) -> None:
    first = put_in_production(registry)
    second = put_in_production(registry, created_at=NOON + timedelta(hours=1))
    (registry.root / second / "model.onnx").write_bytes(b"broken")
    counted = REGISTRY.get_sample_value("model_load_failures_total")
    for _ in range(3):
        assert (await models.forecasting.forecast(market(ALL), H1)).model_version == first
        assert await models.forecasting.in_production() == {"BTCUSDT 1h": first}
        models.look_again()
    # Declared at the import.
    assert REGISTRY.get_sample_value("model_load_failures_total") == counted + 1  # type: ignore[operator]
    assert [line for line in log_lines if line.startswith("ERROR")] == ["ERROR a model in production cannot be loaded"]
    (registry.root / first / "model.onnx").write_bytes(b"broken")


async def test_where_no_version_can_be_loaded_every_request_is_refused(registry: Registry, models: Models) -> None:
    version = put_in_production(registry)
    assert await models.forecasting.in_production() == {"BTCUSDT 1h": version}
    (registry.root / version / "model.onnx").write_bytes(b"broken")
    with pytest.raises(ModelUnavailable, match="the model in production for BTCUSDT 1h cannot be loaded"):
        await models.forecasting.forecast(market(ALL), H1)
    assert await models.forecasting.in_production() == {"BTCUSDT 1h": None}


async def test_a_defect_of_a_model_leaves_out_the_forecast_and_is_logged(
    registry: Registry, models: Models, log_lines: list[str]
) -> None:
    put_in_production(registry)

    def fail(model: Forecaster, rows: FeatureRows) -> Forecasts:
        raise RuntimeError("out of memory")

    models.run = fail
    opinion = await models.forecasting.opinion(market(ALL), H1)
    assert (opinion.forecast, opinion.note) == (None, "the model failed; the service's log says why")
    assert "ERROR forecast failed" in log_lines[0]


async def test_loading_and_computing_run_off_the_event_loop(registry: Registry, models: Models) -> None:
    put_in_production(registry)
    await models.forecasting.forecast(market(ALL), H1)
    assert len(models.threads) == 3
    assert all(name.startswith("forecasting") for name in models.threads)


async def test_features_are_computed_once_between_two_closes(registry: Registry, models: Models) -> None:
    put_in_production(registry)
    shown = [ALL[:-1], ALL[:-1], ALL, ALL]
    forecasts = [await models.forecasting.forecast(market(list(candles)), H1) for candles in shown]
    assert models.computed == [ALL[-2].timestamp, ALL[-1].timestamp]
    assert forecasts[0] == forecasts[1] != forecasts[2] == forecasts[3]


async def test_concurrent_forecasts_share_runs(registry: Registry, models: Models) -> None:
    put_in_production(registry)
    runs = []

    def counted(model: Forecaster, rows: FeatureRows) -> Forecasts:
        runs.append(len(rows["standard"]))
        return model.forecast(rows)

    await models.forecasting.forecast(market(ALL), H1)
    models.run = counted
    shown = [market(ALL[: len(ALL) - back]) for back in range(32)]
    together = await asyncio.gather(*(models.forecasting.forecast(snapshot, H1) for snapshot in shown))
    assert sum(runs) == 32 > len(runs)
    for snapshot, forecast in zip(shown, together, strict=True):
        alone = await models.forecasting.forecast(snapshot, H1)
        assert forecast.probability_up == pytest.approx(alone.probability_up, abs=1e-6)


async def test_an_exchange_of_production_loses_no_request(registry: Registry, models: Models) -> None:
    versions = [put_in_production(registry)]
    served: list[str] = []
    for hour in range(1, 4):
        under_way = [asyncio.create_task(models.forecasting.forecast(market(ALL), H1)) for _ in range(8)]
        await asyncio.sleep(0)
        versions.append(put_in_production(registry, created_at=NOON + timedelta(hours=hour), seed=hour))
        models.look_again()
        under_way += [asyncio.create_task(models.forecasting.forecast(market(ALL), H1)) for _ in range(8)]
        served += [forecast.model_version for forecast in await asyncio.gather(*under_way)]
    models.look_again()
    assert len(served) == 48
    assert set(served) <= set(versions)
    assert (await models.forecasting.forecast(market(ALL), H1)).model_version == versions[-1]
    assert models.failures == []


async def test_candles_beyond_any_market_have_no_answer(registry: Registry, models: Models) -> None:
    put_in_production(registry)

    def overflown(model: Forecaster, rows: FeatureRows) -> Forecasts:
        forecasts = model.forecast(rows)
        return replace(forecasts, probability_up=forecasts.probability_up * float("nan"))

    models.run = overflown
    with pytest.raises(InvalidMarketData, match="no answer"):
        await models.forecasting.forecast(market(ALL), H1)


async def test_several_markets_are_told_what_each_is_told_alone(registry: Registry, models: Models) -> None:
    """The model runs once for all that it can read; the others keep their reasons."""
    runs = list[int]()

    def counted(model: Forecaster, rows: FeatureRows) -> Forecasts:
        runs.append(len(rows["standard"]))
        return model.forecast(rows)

    put_in_production(registry)
    models.run = counted
    ends = [len(ALL) - back for back in (0, 3, 9, 40)]
    markets = [(market(ALL[:end]), H1) for end in ends]
    markets.insert(2, (market(ALL[-LEAST + 5 :]), H1))
    together = await models.forecasting.opinions([*markets, (market(ALL), Timeframe.M15)])
    assert runs == [len(ends)]
    alone = [await models.forecasting.opinion(*series) for series in markets]
    assert together[:-1] == alone
    assert len({opinion.forecast and opinion.forecast.probability_up for opinion in alone}) == len(markets)
    assert "closed 1h candles" in str(together[2].note)
    assert "no model is in production" in str(together[-1].note)
