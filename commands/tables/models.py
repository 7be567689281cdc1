"""Versions, their figures and their aliases as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from commands.tables.figures import facts_table, headed_table, interval, number
from commands.tables.plans import plan_facts, record_facts
from commands.tables.training import learned
from commands.tables.volatility import move_facts, skill_in_words
from domain.forecasting import Driver, Forecast
from domain.trading.forecast_plans import PlanRecord
from domain.values import minute_text
from models.evaluation.metrics import HEADINGS, Scores
from models.model_manager import TrainingOutcome
from models.registry.aliases import Aliases
from models.registry.comparison import VersionComparison
from models.registry.listing import Listing
from models.registry.metadata import ModelMetadata

TRIALS_IN_WORDS = (
    "trials: settings that were judged on some of the same candles, by trainings and studies. The best of many looks "
    "better than it is."
)
ROLES_IN_WORDS = "role: what a version does now; gate: what was decided when it was trained, see `models show VERSION`."
# Those of a list, whose rows fit a terminal of 120 columns.
LISTED = ("accuracy", "AUC", "Brier")


def trained(outcome: TrainingOutcome) -> Group:
    """Return the version, its figures and those of the baselines, and the verdict with its reasons."""
    model, verdict = outcome.model, outcome.verdict
    said = {
        "candidate": "promoted by force" if verdict.forced else "promoted",
        "logistic": "not promoted: logistic regression serves",
        "production": "not promoted: the model in production stays",
        "nothing": "not promoted: nothing serves",
    }[verdict.serves]
    facts = {"version": model.version, "verdict": said, "in production": outcome.production or "nothing"}
    return Group(
        facts_table(facts), _own_scores(model), *plan_tables(model.plans), *_sentences("Reasons", verdict.reasons)
    )


def listed(
    listing: Listing,
    aliases: Aliases,
    trials: Mapping[str, int],
    shadows: Sequence[str] = (),
    title: str = "Models",
) -> Group:
    """Return every version, newest first, with role and decision of the gate; then those that shadow or are unusable.

    `trials` is how many settings were judged on candles of the figures of each version.
    """
    called = alias_names(aliases)
    columns = ("market", "n", *LISTED, "trials", "role", "gate")
    table = headed_table("version", *columns, title=title)
    for model in listing.models:
        scores = model.metrics
        table.add_row(
            model.version,
            f"{model.symbol} {model.timeframe}",
            f"{scores.count:,}" if scores else "-",
            *(number(getattr(scores, HEADINGS[heading])) if scores else "-" for heading in LISTED),
            f"{trials[model.version]:,}" if model.version in trials else "-",
            ", ".join([*called.get(model.version, ()), *(["shipped"] if model.shipped else [])]),
            _gate(model),
        )
    words = [Text(TRIALS_IN_WORDS)] if max(trials.values(), default=0) > 1 else []
    candidates = _sentences("Candidates beside models in production", shadows)
    unusable = [f"{version}: {reason}" for version, reason in listing.unusable.items()]
    return Group(table, *words, *candidates, *_sentences("Unusable", unusable))


def shown(model: ModelMetadata, aliases: Iterable[str], trials: int | None = None, shadow: str | None = None) -> Group:
    """Return everything about a version; `shadow` is how it did beside the one in production, in words."""
    data, graph = model.data, model.graph
    facts = {
        "version": model.version,
        "alias": ", ".join(aliases) or "none",
        **({"shipped": "came with the service; models.shipped: false switches it off"} if model.shipped else {}),
        **({"shadow": shadow} if shadow else {}),
        "market": f"{model.symbol} {model.timeframe}, {_forecasts(model)}",
        "created": f"{model.created_at:%Y-%m-%d %H:%M:%S} UTC",
        "parameters": f"{model.parameters:,}",
        "seed": "-" if model.seed is None else str(model.seed),
    }
    if data:
        facts["trained on"] = (
            f"{data.candles:,} candles, {minute_text(data.first_ms)} to {minute_text(data.last_ms)}: "
            f"{data.training_windows:,} windows, {data.validation_windows:,} for validation"
        )
        if data.over_break_share:
            facts["returns"] = f"{data.over_break_share:.0%} of them span a night, a weekend or a holiday"
    else:
        facts["trained on"] = f"unknown: imported from {model.settings.get('imported', {}).get('file', 'a file')}"
    if model.judged:
        facts["judged on"] = (
            f"{minute_text(model.judged.first_ms)} to {minute_text(model.judged.last_ms)}, by models of before"
        )
    if record := model.judged_plans:
        facts["plans"] = (
            f"{record.samples:,} that reached target or stop, as good as {record.plans:,} independent ones; target "
            f"first: {record.base_rate:.1%}, {record.stated:.1%} was stated"
        )
    if model.volatility:
        facts["volatility"] = skill_in_words(model.volatility)
    if trials is not None:
        facts["trials"] = f"{trials:,} settings were judged on some of these candles"
    if graph:
        columns = graph.feature_set
        rows = "1 row" if graph.sequence_length == 1 else f"{graph.sequence_length} rows"
        facts["inputs"] = f"{rows} of {len(columns.columns)} columns, set {columns.name} {columns.id}"
        facts["outputs"] = f"{graph.outputs}, calibration {graph.calibration.kind}"
    for member in model.members:
        facts[f"member {member.type}"] = f"{member.version}, weight {member.weight:.3f}"
    facts["libraries"] = ", ".join(f"{name} {version}" for name, version in model.libraries.items())
    facts["files"] = ", ".join(model.files)
    reasons = model.verdict.reasons if model.verdict else ()
    judged = [_own_scores(model)] if model.metrics else []
    course = [learned(model.training_history)] if model.training_history else []
    shares = {importance.column: f"{importance.share:.1%}" for importance in model.importances}
    gains = [facts_table(shares, "Gain by column")] if shares else []
    return Group(
        facts_table(facts), *judged, *plan_tables(model.plans), *course, *gains, *_sentences("Reasons", reasons)
    )


def compared(comparison: VersionComparison) -> Group:
    """Return two versions with their figures side by side."""
    table = headed_table("figure", comparison.first.version, comparison.second.version, "difference")
    for figure in comparison.figures:
        decimals = "," if figure.name in {"count", "ups", "parameters", "training_windows"} else ".4f"
        cells = ("-" if value is None else f"{value:{decimals}}" for value in (figure.first, figure.second))
        sign = "+,.0f" if decimals == "," else "+.5f"
        table.add_row(figure.name, *cells, "-" if figure.difference is None else f"{figure.difference:{sign}}")
    same = "on the same candles" if comparison.same_data else "on other candles each: these figures do not rank them"
    return Group(table, Text(f"The two were judged {same}."))


def forecast_table(forecast: Forecast, time_ms: int) -> Group:
    """Return a forecast, made at the close of the candle that opened at `time_ms`."""
    facts = {
        "market": f"{forecast.symbol} {forecast.timeframe}, candle of {minute_text(time_ms)}",
        "version": forecast.model_version,
        **({"shipped": "came with the service"} if forecast.shipped else {}),
        "signal": f"{forecast.signal}, confidence {forecast.confidence:.4f}",
        "probability of a rise": f"{forecast.probability_up:.4f}, {_ahead(forecast.horizon_candles)}",
    }
    if forecast.calibrated_at is not None:
        facts["recalibrated"] = f"{minute_text(forecast.calibrated_at)} UTC, from settled forecasts"
    if len(forecast.individual_predictions) > 1:
        facts["members"] = ", ".join(f"{name} {value:.4f}" for name, value in forecast.individual_predictions.items())
        facts["disagreement"] = f"{forecast.disagreement:.4f}"
    facts |= move_facts(forecast)
    if forecast.plan:
        facts |= plan_facts(forecast.plan)
    return Group(facts_table(facts), *([_drivers(forecast.drivers)] if forecast.drivers else []))


def _drivers(drivers: Sequence[Driver]) -> Table:
    table = headed_table("driver", "value", "log odds of a rise", title="What moved it most")
    for driver in drivers:
        name = f"{driver.column}, {driver.statistic}" if driver.statistic else driver.column
        table.add_row(name, f"{driver.value:.6g}", f"{driver.contribution:+.4f}")
    return table


def alias_names(aliases: Aliases) -> dict[str, list[str]]:
    """Return the aliases of each version: production, candidate, or both."""
    names: dict[str, list[str]] = {}
    for scope in aliases.scopes:
        for name, version in (("production", scope.production), ("candidate", scope.candidate)):
            if version is not None:
                names.setdefault(version, []).append(name)
    return names


def _gate(model: ModelMetadata) -> str:
    if model.verdict is None:
        return "imported" if model.data is None else "-"
    if model.verdict.forced:
        return "forced"
    return "passed" if model.verdict.promoted else "not passed"


def _forecasts(model: ModelMetadata) -> str:
    if model.target == "plan":
        return f"plans of {model.horizon_candles} candles at most"
    return _ahead(model.horizon_candles)


def _ahead(candles: int) -> str:
    return f"{candles} candle{'s' if candles > 1 else ''} ahead"


def _own_scores(model: ModelMetadata) -> RenderableType:
    own = {str(model.type): model.metrics} if model.metrics else {}
    return scores_table({**own, **model.baselines})


def scores_table(scores: Mapping[str, Scores]) -> Table:
    """Return the scores of learners by name, with their intervals."""
    table = headed_table("out of sample", "n", *HEADINGS, title="Figures with 95 % intervals")
    for name, figures in scores.items():
        cells = (
            f"{number(getattr(figures, metric))}\n{interval(figures.intervals.get(metric))}".rstrip()
            for metric in HEADINGS.values()
        )
        table.add_row(name, f"{figures.count:,}", *cells)
    return table


def plan_tables(record: PlanRecord | None) -> list[RenderableType]:
    """Return the results of plans; nothing where they were not measured."""
    return [facts_table(record_facts(record), title="Plans of its side, before costs")] if record else []


def _sentences(title: str, sentences: Sequence[str]) -> list[RenderableType]:
    return [Text(title, "italic"), *(Text(f"- {sentence}") for sentence in sentences)] if sentences else []
