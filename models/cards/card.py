"""The card of a version as Markdown, made from its metadata whenever it is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from domain.forecasting import ANY_SYMBOL, ModelType
from domain.values import day_text, minute_text
from models.architectures.catalogue import ARCHITECTURES
from models.cards.limits import limits_of
from models.evaluation.metrics import HEADINGS, Scores
from models.registry.metadata import ModelMetadata
from models.registry.registries import USUAL, RegistryKey

# Heading and metric of `Scores`.
METRICS = HEADINGS | {"top tenth": "top_tenth", "ECE": "ece"}
TARGETS = {
    "soft": "a number from 0 to 1 by the size of the next move: 0 or 1 from `target_threshold` on, the sign alone at 0",
    "binary": "whether the close is higher or lower after the horizon",
    "three_class": "sell, hold or buy, hold being a share of the usual move",
    "multi_horizon": "returns, classes, drawdowns and rallies at four horizons",
}
_OWN_SETTINGS = {
    ModelType.LSTM: "recurrent",
    ModelType.GRU: "recurrent",
    ModelType.LOGISTIC: "logistic_penalty",
}


def model_card(model: ModelMetadata, trials: int | None, key: RegistryKey = USUAL) -> str:
    """Return the card of a version.

    Args:
        model: Its metadata.
        trials: Settings that were judged on candles of its figures; None where that is not known.
        key: Which registry it is in.
    """
    sections = {
        "Forecast": _forecast(model),
        "Data": _data(model),
        "Figures": _figures(model, trials),
        "Calibration": _calibration(model),
        "Plans": _plans(model),
        "What it is not good for": [f"- {sentence}" for sentence in limits_of(model, trials, watched=key == USUAL)],
        "Settings": _settings(model),
        "Columns": _columns(model),
        "How it is made": _made(model, key),
    }
    lines = [f"# {model.version}"]
    for heading, content in sections.items():
        if content:
            lines += ["", f"## {heading}", "", *content]
    return "\n".join(lines) + "\n"


def _forecast(model: ModelMetadata) -> list[str]:
    market = "every symbol without a model of its own" if model.symbol == ANY_SYMBOL else model.symbol
    lines = [
        f"- type: `{model.type}`, {model.parameters:,} trained numbers",
        f"- market: {market}, {model.timeframe} candles",
        f"- answer: {_answer(model)}",
    ]
    if model.graph:
        if model.target == "close":
            lines.append(f"- target: {TARGETS[ARCHITECTURES[model.type].target]}")
        rows = _counted(model.graph.sequence_length, "row")
        lines.append(f"- input: {rows} of {len(model.graph.columns)} columns")
    lines += [f"- member: {member.version}, weight {member.weight:.3f}" for member in model.members]
    if model.shipped:
        lines.append("- it came with the service, and forecasts coins alone")
    return lines


def _answer(model: ModelMetadata) -> str:
    if model.target == "plan":
        return (
            "probability that the target of a plan which the rules give comes before its stop, within "
            f"{model.horizon_candles} candles"
        )
    ahead = _counted(model.horizon_candles, "candle")
    return f"probability that the close {ahead} ahead is higher than the newest one"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _data(model: ModelMetadata) -> list[str]:
    data = model.data
    if data is None:
        return ["Not known: it was imported."]
    lines = [
        f"- markets: {', '.join(data.markets) or model.symbol}",
        f"- candles: {data.candles:,}, {minute_text(data.first_ms)} to {minute_text(data.last_ms)} UTC",
        f"- windows: {data.training_windows:,} for training, {data.validation_windows:,} for validation",
    ]
    if model.judged:
        lines.append(f"- judged on: {minute_text(model.judged.first_ms)} to {minute_text(model.judged.last_ms)} UTC")
    return lines


def _figures(model: ModelMetadata, trials: int | None) -> list[str]:
    if model.metrics is None:
        return ["None: it was never judged."]
    rows = {f"**{model.type}**": model.metrics, **model.baselines}
    lines = [
        "Out of sample, by models of the candles before each; brackets are 95 % intervals. Baselines on the same rows.",
        "",
        *_table(("", "n", *METRICS), [(name, f"{scores.count:,}", *_cells(scores)) for name, scores in rows.items()]),
    ]
    if trials is not None:
        lines += ["", f"Trials: {trials:,} settings were judged on some of these candles, this one included."]
    if model.verdict:
        lines += ["", *(f"- {reason}" for reason in model.verdict.reasons)]
    return lines


def _calibration(model: ModelMetadata) -> list[str]:
    if model.graph is None:
        return []
    how = model.graph.calibration
    shape = f": log odds times {how.slope:.3f}, plus {how.intercept:+.3f}" if how.kind == "sigmoid" else ""
    lines = [f"- `{how.kind}`{shape}, fitted on the validation windows"]
    if model.metrics and model.metrics.ece is not None:
        lines.append(
            f"- expected calibration error out of sample: {model.metrics.ece:.4f}; noise alone makes it positive"
        )
    return lines


def _plans(model: ModelMetadata) -> list[str]:
    if (judged := model.judged_plans) is not None:
        return [
            f"- judged on: {judged.samples:,} plans that reached target or stop, as good as {judged.plans:,} "
            f"independent ones: stop at {judged.stop_atr:g} average true ranges, target at {judged.reward:g} times "
            "the stop",
            f"- target first: {judged.base_rate:.1%} of them, {judged.stated:.1%} by its own word",
            f"- error of what it states: {judged.error:.3f} in log odds",
            f"- markets: {', '.join(judged.kinds)}",
        ]
    record = model.plans
    if record is None:
        return []
    above = record.above_random_r
    ends = "" if above.low is None or above.high is None else f" [{above.low:+.3f}, {above.high:+.3f}]"
    mean = "not known" if above.mean is None else f"{above.mean:+.3f} R{ends}"
    return [
        f"- measured: {record.samples:,} plans of both sides, before costs: stop at {record.stop_atr:g} average true "
        f"ranges, target at {record.reward:g} times the stop, {record.horizon_candles} candles at most",
        f"- its side less entries at random: {mean}",
        f"- weight of its side: {record.weight:+.3f} in log odds of the target coming first, error {record.error:.3f}",
    ]


def _settings(model: ModelMetadata) -> list[str]:
    models = model.settings.get("models")
    if not isinstance(models, Mapping):
        return [f"`{json.dumps(model.settings)}`"]
    name = _OWN_SETTINGS.get(model.type, str(model.type))
    shown: dict[str, Any] = {key: models[key] for key in ("recipe", "target_threshold", name) if key in models}
    shown |= {"training": models.get("training"), "features": model.settings.get("features")}
    lines = [f"- `{key}`: `{json.dumps(value)}`" for key, value in shown.items() if value is not None]
    if course := model.training_history:
        best = course.best_point
        lines.append(
            f"- {course.ended} of {course.planned} {course.unit}s, the {course.best}. serves: loss {best.loss:.5f}, "
            f"validation {best.validation_loss:.5f}"
        )
    return [*lines, f"- libraries: {', '.join(f'{name} {version}' for name, version in model.libraries.items())}"]


def _columns(model: ModelMetadata) -> list[str]:
    if model.graph is None:
        return []
    columns = model.graph.columns
    lines = [
        f"{len(columns)} of the set `{model.graph.feature_set.name}` {model.graph.feature_set.id}: " + _code(columns)
    ]
    if model.importances:
        shares = (f"`{importance.column}` {importance.share:.1%}" for importance in model.importances[:10])
        lines += ["", f"Most gain of its splits: {', '.join(shares)}."]
    return lines


def _made(model: ModelMetadata, key: RegistryKey) -> list[str]:
    if model.shipped:
        made = f"cli.py models build-default FILES... --to {day_text((model.trained_until_ms or 1) - 1)}"
    elif model.data is None:
        made = (
            f"cli.py models import FILE --type {model.type} --symbol '{model.symbol}' --timeframe {model.timeframe} "
            "--scaler SCALER"
        )
    else:
        made = (
            f"cli.py train FILE... --type {model.type} --symbol '{model.symbol}' --timeframe {model.timeframe} "
            f"--seed {model.seed}{key.options}"
        )
    return [
        f"Made {model.created_at:%Y-%m-%d %H:%M} UTC. With these candles, settings and libraries the command that "
        "makes it again is",
        "",
        "```sh",
        made,
        "```",
    ]


def _cells(scores: Scores) -> list[str]:
    cells = []
    for name in METRICS.values():
        value, ends = getattr(scores, name), scores.intervals.get(name)
        reach = f" [{ends.low:.4f}, {ends.high:.4f}]" if ends else ""
        cells.append("-" if value is None else f"{value:.4f}{reach}")
    return cells


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(headings)} |",
        f"| --- |{' ---: |' * (len(headings) - 1)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
