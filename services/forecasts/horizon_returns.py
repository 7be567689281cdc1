"""Returns that models expect over given times, each by a model that was surely better than the prior over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from domain.analysis import MarketSnapshot
from domain.arrays import FloatArray
from domain.errors import AppError, ModelUnavailable
from domain.forecasting import Forecast
from domain.market import Timeframe
from models.serving.forecaster import Forecaster
from services.forecasts.forecasting import Forecasting

# Expected returns outside of this range are an error of the model.
LEAST_RETURN, GREATEST_RETURN = -0.9, 10.0
_NOT_FORECAST = "no model forecasts this time from candles like these"


@dataclass(frozen=True)
class ReturnsByTime:
    """Expected returns as fractions by time in ms, and why others have none."""

    expected: Mapping[int, float]
    notes: Mapping[int, str]


def returns_of(forecast: Forecast, closes: FloatArray) -> dict[int, float]:
    """Return the returns that a forecast expects by horizon in candles, as fractions.

    A model that gives a probability p alone is read as (2 p - 1) times the mean absolute log return over its horizon;
    with fewer closes there is none.

    Args:
        forecast: Made at the last close.
        closes: n closes, > 0, oldest first.
    """
    horizon, logs = forecast.horizon_candles, np.log(closes)
    if forecast.expected_returns or horizon >= len(logs):
        return dict(forecast.expected_returns)
    size = float(np.abs(logs[horizon:] - logs[:-horizon]).mean())
    return {horizon: float(np.expm1((2 * forecast.probability_up - 1) * size))}


def why_impossible(forecast: Forecast, horizon: int, value: float) -> str | None:
    """Return why an expected return is an error of the model; None where a market can have it."""
    if LEAST_RETURN < value < GREATEST_RETURN:
        return None
    return f"{forecast.model_version} expects a return of {value:g} over {horizon} candles"


async def further_returns(forecasting: Forecasting, snapshot: MarketSnapshot, timeframe: Timeframe) -> dict[int, float]:
    """Return the returns of the further horizons whose models pass, by candles of a timeframe.

    Args:
        forecasting: The models.
        snapshot: A market with candles of the timeframe.
        timeframe: Of the horizons.
    """
    returns = _MarketReturns(forecasting, snapshot, timeframe)
    found = {horizon: await returns.by(horizon, timeframe, horizon) for horizon in forecasting.further}
    return {horizon: answer.value for horizon, answer in found.items() if answer and answer.value is not None}


async def returns_by_time(
    forecasting: Forecasting,
    snapshot: MarketSnapshot,
    primary: Timeframe,
    known: Forecast | None,
    times_ms: Sequence[int],
) -> ReturnsByTime:
    """Return the expected return over each time, by the shortest candles that have a passing model of that horizon.

    Longer candles than those of the snapshot are made of its primary ones.

    Args:
        forecasting: The models.
        snapshot: A market with candles of `primary`.
        primary: Its primary timeframe.
        known: The forecast of the model in production for these candles, where there is one.
        times_ms: From now on.
    """
    returns = _MarketReturns(forecasting, snapshot, primary, known)
    expected, notes = dict[int, float](), dict[int, str]()
    for time_ms in times_ms:
        answer = await returns.over(time_ms)
        if answer.value is None:
            notes[time_ms] = answer.note
        else:
            expected[time_ms] = answer.value
    return ReturnsByTime(expected, notes)


@dataclass(frozen=True)
class _Return:
    """An expected return as a fraction, or why there is none; `absent` where there was no model to ask."""

    value: float | None
    note: str = ""
    absent: bool = False


class _MarketReturns:
    """What models say of the returns of one market; no forecast is made twice."""

    def __init__(
        self, forecasting: Forecasting, snapshot: MarketSnapshot, primary: Timeframe, known: Forecast | None = None
    ) -> None:
        self._forecasting = forecasting
        self._snapshot = snapshot
        self._primary = primary
        self._said = dict[tuple[int | None, Timeframe], Forecast]()
        if known is not None:
            self._said[None, primary] = known

    async def over(self, time_ms: int) -> _Return:
        """Return what is expected over a time, by the first timeframe with a model that passes."""
        answers = list[tuple[bool, bool, str]]()
        for timeframe in Timeframe:
            if timeframe.ms % self._primary.ms or time_ms % timeframe.ms:
                continue
            horizon = time_ms // timeframe.ms
            has_own = horizon in self._forecasting.further
            for further in (None, horizon) if has_own else (None,):
                answer = await self.by(further, timeframe, horizon)
                if answer is not None and answer.value is not None:
                    return answer
                if answer is not None:
                    answers.append((answer.absent, has_own and further is None, answer.note))
        # The reason of a model that exists says more than the absence of one, and that of this very horizon most.
        return _Return(None, min(answers, key=lambda answer: answer[:2], default=(False, False, _NOT_FORECAST))[2])

    async def by(self, further: int | None, timeframe: Timeframe, horizon: int) -> _Return | None:
        """Return what the models of a further horizon, or the usual ones, expect; None of models of other horizons."""
        models = self._forecasting if further is None else self._forecasting.at(further)
        try:
            model = await models.model(self._snapshot, timeframe)
        except ModelUnavailable as error:
            return _Return(None, error.message, absent=True)
        metadata = model.metadata
        own = metadata.graph.horizons_candles if metadata.graph else ()
        if horizon != metadata.horizon_candles and horizon not in own:
            return None
        # A person put it into production unjudged: only returns that it states itself count.
        if metadata.skill is None and not own:
            return _Return(None, f"{metadata.version} was not judged out of sample")
        if metadata.skill == "not_better":
            note = f"{metadata.version} was not surely better than the share of rises over {horizon} candles"
            return _Return(None, note)
        try:
            forecast = await self._forecast(model, further, timeframe)
        except AppError as error:
            return _Return(None, error.message)
        value = returns_of(forecast, self._snapshot.series[timeframe].closes).get(horizon)
        if value is None:
            return _Return(None, f"{metadata.version} needs more candles to tell the size of a move over {horizon}")
        impossible = why_impossible(forecast, horizon, value)
        return _Return(value) if impossible is None else _Return(None, impossible)

    async def _forecast(self, model: Forecaster, further: int | None, timeframe: Timeframe) -> Forecast:
        if timeframe not in self._snapshot.series:
            longer = self._snapshot.series[self._primary].resample(timeframe)
            self._snapshot = replace(self._snapshot, series={**self._snapshot.series, timeframe: longer})
        if (further, timeframe) not in self._said:
            self._said[further, timeframe] = await self._forecasting.bare(model, self._snapshot, timeframe)
        return self._said[further, timeframe]
