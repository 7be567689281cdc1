"""Calls about models; those marked (admin) change something and need the administrator's token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from trading_signal_client import answers
from trading_signal_client.calls.call import Call, Candle


def models() -> Call[answers.Models]:
    """Ask for every version of every model, newest first."""
    return Call("models", "GET", "/ai/models", answers.Models)


def train(
    symbol: str,
    timeframe: answers.Timeframe | None = None,
    *,
    model_type: answers.ModelType | None = None,
    target: Literal["close", "plan"] | None = None,
    horizon_candles: int | None = None,
    epochs: int | None = None,
    candles: Sequence[Candle] | None = None,
) -> Call[answers.TrainingQueued]:
    """Queue a training (admin); without candles the service uses stored ones.

    `horizon_candles` is one of the further horizons, whose models stand apart; networks take at most `epochs`.
    """
    body = {
        "symbol": symbol,
        "timeframe": timeframe,
        "model_type": model_type,
        "target": target,
        "horizon_candles": horizon_candles,
        "epochs": epochs,
        "candles": candles,
    }
    return Call("ai_train", "POST", "/ai/train", answers.TrainingQueued, body)


def bias_lookahead(
    symbol: str,
    timeframe: answers.Timeframe | None = None,
    *,
    version: str | None = None,
    horizon_candles: int | None = None,
    moments: int | None = None,
    candles: Sequence[Candle] | None = None,
) -> Call[answers.BiasQueued]:
    """Queue a job that names what looks ahead (admin); without candles those of the service.

    `horizon_candles` is that of a version of a further horizon.
    """
    body = {
        "symbol": symbol,
        "timeframe": timeframe,
        "version": version,
        "horizon_candles": horizon_candles,
        "moments": moments,
        "candles": candles,
    }
    return Call("bias_lookahead", "POST", "/ai/bias/lookahead", answers.BiasQueued, body)


def bias_recursive(
    symbol: str,
    timeframe: answers.Timeframe | None = None,
    *,
    version: str | None = None,
    horizon_candles: int | None = None,
    candles: Sequence[Candle] | None = None,
) -> Call[answers.BiasQueued]:
    """Queue a job that measures how much history each value needs (admin); without candles those of the service.

    `horizon_candles` is that of a version of a further horizon.
    """
    body = {
        "symbol": symbol,
        "timeframe": timeframe,
        "version": version,
        "horizon_candles": horizon_candles,
        "candles": candles,
    }
    return Call("bias_recursive", "POST", "/ai/bias/recursive", answers.BiasQueued, body)


def backtest(
    symbols: Sequence[str],
    timeframes: Sequence[answers.Timeframe] | None = None,
    *,
    lane: str = "rules",
    since: int | None = None,
    until: int | None = None,
    fee_bps: float | None = None,
    slippage_bps: float | None = None,
    funding_bps: float | None = None,
    sizing: str | None = None,
    timeframe_data: Mapping[str, Sequence[Candle]] | None = None,
) -> Call[answers.BacktestQueued]:
    """Queue a job that trades the past by a lane's signals (admin); without candles those of the service."""
    body = {
        "symbols": symbols,
        "timeframes": timeframes,
        "timeframe_data": timeframe_data,
        "since": since,
        "until": until,
        "lane": lane,
        "fee_bps": fee_bps,
        "slippage_bps": slippage_bps,
        "funding_bps": funding_bps,
        "sizing": sizing,
    }
    return Call("backtest", "POST", "/jobs/backtest", answers.BacktestQueued, body)


def optimise(
    symbols: Sequence[str],
    timeframes: Sequence[answers.Timeframe] | None = None,
    *,
    lane: str = "rules",
    trials: int = 50,
    folds: int = 4,
    seed: int | None = None,
    since: int | None = None,
    until: int | None = None,
    fee_bps: float | None = None,
    slippage_bps: float | None = None,
    funding_bps: float | None = None,
    sizing: str | None = None,
    timeframe_data: Mapping[str, Sequence[Candle]] | None = None,
) -> Call[answers.OptimiseQueued]:
    """Queue a job that searches for better settings of trades (admin); without candles those of the service."""
    body = {
        "symbols": symbols,
        "timeframes": timeframes,
        "timeframe_data": timeframe_data,
        "since": since,
        "until": until,
        "lane": lane,
        "trials": trials,
        "folds": folds,
        "seed": seed,
        "fee_bps": fee_bps,
        "slippage_bps": slippage_bps,
        "funding_bps": funding_bps,
        "sizing": sizing,
    }
    return Call("optimise", "POST", "/jobs/optimise", answers.OptimiseQueued, body)


def evaluate(
    symbol: str,
    timeframe: answers.Timeframe | None = None,
    *,
    version: str | None = None,
    target: Literal["close", "plan"] | None = None,
    horizon_candles: int | None = None,
    fee_bps: float | None = None,
    slippage_bps: float | None = None,
    candles: Sequence[Candle] | None = None,
) -> Call[answers.JobQueued]:
    """Queue a job that scores a model on candles that it was not trained on (admin); by default that in production."""
    body = {
        "symbol": symbol,
        "timeframe": timeframe,
        "version": version,
        "target": target,
        "horizon_candles": horizon_candles,
        "fee_bps": fee_bps,
        "slippage_bps": slippage_bps,
        "candles": candles,
    }
    return Call("job_evaluate", "POST", "/jobs/evaluate", answers.JobQueued, body)


def measure_evidence(
    symbols: Sequence[str],
    timeframes: Sequence[answers.Timeframe] | None = None,
    *,
    task: Literal["build", "check"] = "build",
    since: int | None = None,
    until: int | None = None,
    candles: Sequence[Candle] | None = None,
) -> Call[answers.JobQueued]:
    """Queue a job that builds evidence of the results of plans, or checks the configured evidence (admin)."""
    body = {
        "task": task,
        "symbols": symbols,
        "timeframes": timeframes,
        "candles": candles,
        "since": since,
        "until": until,
    }
    return Call("job_evidence", "POST", "/jobs/evidence", answers.JobQueued, body)


def model(version: str, *, horizon_candles: int | None = None) -> Call[answers.ModelDetails]:
    """Ask for a version with its metadata; `horizon_candles` is that of a version of a further horizon.

    It is needed where two horizons have a version of this name, here and in the calls below.
    """
    path, parameters = "/ai/models/{version}", {"version": version}
    return Call("model", "GET", path, answers.ModelDetails, parameters=parameters, query=_ahead(horizon_candles))


def model_card(version: str, *, horizon_candles: int | None = None) -> Call[str]:
    """Ask for the card of a version in Markdown: its data, figures and limits, and how to make it again."""
    path, parameters = "/ai/models/{version}/card", {"version": version}
    return Call("model_card", "GET", path, str, parameters=parameters, query=_ahead(horizon_candles))


def model_drift() -> Call[answers.ModelDrifts]:
    """Ask how far the market of each model in production is from that of its training."""
    return Call("model_drift", "GET", "/ai/models/drift", answers.ModelDrifts)


def model_info() -> Call[answers.ModelInfo]:
    """Ask for the version in production for the first symbol and timeframe."""
    return Call("model_info", "GET", "/model/info", answers.ModelInfo)


def promote_model(version: str, reason: str, *, horizon_candles: int | None = None) -> Call[answers.ModelInProduction]:
    """Put a version into production (admin)."""
    path, parameters, query = "/ai/models/{version}/promote", {"version": version}, _ahead(horizon_candles)
    return Call("model_promote", "POST", path, answers.ModelInProduction, {"reason": reason}, parameters, query)


def roll_back_model(
    symbol: str,
    timeframe: answers.Timeframe,
    reason: str,
    *,
    target: Literal["close", "plan"] | None = None,
    horizon_candles: int | None = None,
) -> Call[answers.ModelInProduction]:
    """Put the previous version into production again (admin): of the usual horizon, of a further one, or of plans."""
    body = {
        "symbol": symbol,
        "timeframe": timeframe,
        "reason": reason,
        "target": target,
        "horizon_candles": horizon_candles,
    }
    return Call("model_rollback", "POST", "/ai/models/rollback", answers.ModelInProduction, body)


def load_model(version: str, *, horizon_candles: int | None = None) -> Call[answers.ModelLoaded]:
    """Put a version into production, whatever the gate decided (admin)."""
    body = {"version": version, "horizon_candles": horizon_candles}
    return Call("model_load", "POST", "/model/load", answers.ModelLoaded, body)


def verify_model(version: str | None = None, *, horizon_candles: int | None = None) -> Call[answers.ModelSaved]:
    """Verify every file of a version, by default of the one in production (admin)."""
    body = {"version": version, "horizon_candles": horizon_candles}
    return Call("model_save", "POST", "/model/save", answers.ModelSaved, body)


def clean_up_models(keep: int = 5) -> Call[answers.ModelsCleaned]:
    """Delete all but the newest `keep` versions of each market and horizon (admin)."""
    return Call("model_cleanup", "DELETE", "/model/cleanup", answers.ModelsCleaned, query={"keep_count": keep})


def _ahead(horizon_candles: int | None) -> dict[str, int | str]:
    return {} if horizon_candles is None else {"horizon_candles": horizon_candles}
