"""The parameters of a backtest, complete: the process of a job reads no settings."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, NamedTuple, cast

from pydantic import AfterValidator, Field

from backtesting.trading.orders import Sizing, SizingKind, TradingTerms
from config.backtest_settings import BacktestSettings
from config.model_settings import ModelSettings
from config.settings import AnalysisSettings, IndicatorSettings, Settings
from domain.market import Timeframe
from domain.trading.costs import CostBps, FundingBps, MarketCosts
from domain.values import Frozen
from rules.evidence.measured import MeasuredEvidence
from rules.strategies import STRATEGY_NAMES

LaneKind = Literal["rules", "model", "blend", "strategy", "llm"]
_LANE = re.compile(
    r"rules|(?P<by>model|blend):(?P<version>[^@]+)@(?P<horizon>[1-9][0-9]{0,5})|(?P<kind>model|blend|strategy|llm):(?P<name>.+)"
)
_SIZING = re.compile(r"(?P<kind>fixed|recommended|risk)(:(?P<share>[0-9.]+))?")


class LaneName(NamedTuple):
    """Who judges.

    Attributes:
        name: Of the version, strategy or file; empty for the rules.
        horizon: Candles ahead of a version, where two horizons have one of that name.
    """

    kind: LaneKind
    name: str
    horizon: int | None = None


def lane_of(text: str) -> LaneName:
    """Return the lane that a text names.

    Raises:
        ValueError: it names none.
    """
    found = _LANE.fullmatch(text)
    if found is None:
        raise ValueError(
            f"a lane is rules, model:VERSION, blend:VERSION, strategy:NAME or llm:FILE, received {text[:60]!r}; "
            "a version of a further horizon may name it: model:VERSION@4"
        )
    kind, name = found["kind"] or "rules", found["name"] or ""
    if found["horizon"] is not None:
        return LaneName(cast("LaneKind", found["by"]), found["version"], int(found["horizon"]))
    if kind == "strategy" and name not in STRATEGY_NAMES:
        raise ValueError(f"a strategy is one of {', '.join(STRATEGY_NAMES)}, received {name[:60]!r}")
    return LaneName(cast("LaneKind", kind), name)


def sizing_of(text: str) -> Sizing:
    """Return the sizing that a text names.

    Raises:
        ValueError: it names none.
        InvalidRequest: its share is not above 0 and at most 1.
    """
    found = _SIZING.fullmatch(text)
    if found is None or (found["share"] is None and found["kind"] != "recommended"):
        raise ValueError(
            f"a sizing is fixed:SHARE, recommended, recommended:SHARE or risk:SHARE, received {text[:60]!r}"
        )
    try:
        share = float(found["share"] or 1)
    except ValueError:
        raise ValueError(f"the share of a sizing is a number such as 0.5, received {found['share'][:60]!r}") from None
    return Sizing(cast("SizingKind", found["kind"]), share)


def _checked_lane(text: str) -> str:
    lane_of(text)
    return text


def _checked_sizing(text: str) -> str:
    sizing_of(text)
    return text


LaneText = Annotated[str, AfterValidator(_checked_lane)]
SizingText = Annotated[str, AfterValidator(_checked_sizing)]


class BacktestOptions(Frozen):
    """What is asked for; the settings fill in what is None.

    Attributes:
        timeframes: The first is traded, all are read; None takes those of the candles.
        since_ms, until_ms: First moment of a judgement, and end of the time, epoch ms.
        funding_bps: Of a position's value every 8 hours, paid by Long and received by Short.
    """

    lane: LaneText = "rules"
    timeframes: Annotated[tuple[Timeframe, ...], Field(min_length=1)] | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    fee_bps: CostBps | None = None
    slippage_bps: CostBps | None = None
    funding_bps: FundingBps | None = None
    sizing: SizingText | None = None


class BacktestParameters(Frozen):
    """One backtest.

    Attributes:
        lane: As `lane_of` reads it.
        timeframes: The first is traded, all are read; none takes those of the candles.
        since_ms, until_ms: First moment of a judgement, and end of the time, epoch ms; None is that of the candles.
        evidence: Plans are weighed by it, as in an analysis.
        sizing: As `sizing_of` reads it.
        models: Where versions are, and from which probability on they say Long or Short.
    """

    lane: LaneText
    timeframes: tuple[Timeframe, ...]
    since_ms: int | None
    until_ms: int | None
    costs: MarketCosts
    evidence: MeasuredEvidence | None
    funding_bps: float
    sizing: SizingText
    analysis: AnalysisSettings
    indicators: IndicatorSettings
    models: ModelSettings
    backtests: BacktestSettings

    @classmethod
    def of(cls, options: BacktestOptions, settings: Settings, evidence: MeasuredEvidence | None) -> BacktestParameters:
        """Return the parameters, with the settings for options that are None, and the configured evidence."""
        trading = settings.trading
        return cls(
            lane=options.lane,
            timeframes=options.timeframes or (),
            since_ms=options.since_ms,
            until_ms=options.until_ms,
            costs=trading.costs.replaced(options.fee_bps, options.slippage_bps),
            evidence=evidence,
            funding_bps=trading.funding_bps if options.funding_bps is None else options.funding_bps,
            sizing=options.sizing or settings.backtests.sizing,
            analysis=settings.analysis,
            indicators=settings.indicators,
            models=settings.models,
            backtests=settings.backtests,
        )

    @property
    def terms(self) -> TradingTerms:
        """The terms of the account."""
        return TradingTerms(self.costs, sizing_of(self.sizing), self.backtests.capital, self.funding_bps)

    @property
    def shown_settings(self) -> dict[str, Any]:
        """What the result depends on beside the candles; runs in which all of it is equal are one trial."""
        lane = lane_of(self.lane)
        uses_model = lane.kind in {"model", "blend"}
        return {
            "lane": self.lane,
            "timeframes": [timeframe.value for timeframe in self.timeframes],
            "costs": self.costs.model_dump(mode="json"),
            "evidence": self.evidence and [record.model_dump(include=_RECORD) for record in self.evidence.records],
            "funding_bps": self.funding_bps,
            "sizing": self.sizing,
            "capital": self.backtests.capital,
            "analysis": self.analysis.model_dump(mode="json", include=_ANALYSIS),
            "indicators": self.indicators.model_dump(mode="json", exclude={"engine"}),
            **({"serving": self.models.serving.model_dump(mode="json", include=_SERVING)} if uses_model else {}),
        }


# What tells one record of plans from another.
_RECORD = {"built_from", "weight", "error"}
# Those that a judgement of the past reads.
_ANALYSIS = {"min_candles", "window_candles", "model_weight"}
_SERVING = {"long_probability", "short_probability"}
