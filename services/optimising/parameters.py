"""The parameters of a search, complete: the process of a job reads no settings."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from backtesting.search.space import SearchedSettings, present_settings
from config.settings import Settings
from domain.values import Frozen
from rules.evidence.measured import MeasuredEvidence
from services.backtests.parameters import BacktestOptions, BacktestParameters, lane_of

DEFAULT_TRIALS, MAX_TRIALS = 50, 500
DEFAULT_FOLDS, MAX_FOLDS = 4, 12


def _checked_lane(text: str) -> str:
    if lane_of(text).kind not in {"rules", "strategy"}:
        raise ValueError(f"settings are searched for the lanes rules and strategy:NAME, received {text[:60]!r}")
    return text


SearchedLane = Annotated[str, AfterValidator(_checked_lane)]
Trials = Annotated[int, Field(ge=2, le=MAX_TRIALS)]
Folds = Annotated[int, Field(ge=2, le=MAX_FOLDS)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class OptimiseOptions(BacktestOptions):
    """What is asked for; the settings fill in what is None.

    Attributes:
        trials: Settings that are tried in each time, the present ones included.
        folds: Times in which what was chosen before is traded.
        seed: Of the search and of random entries.
    """

    lane: SearchedLane = "rules"
    trials: Trials = DEFAULT_TRIALS
    folds: Folds = DEFAULT_FOLDS
    seed: Seed | None = None


class OptimiseParameters(Frozen):
    """One search.

    Attributes:
        backtest: Candles, lane, costs and account.
        present: Settings that count without a search.
    """

    backtest: BacktestParameters
    present: SearchedSettings
    trials: Trials
    folds: Folds
    seed: Seed

    @classmethod
    def of(cls, options: OptimiseOptions, settings: Settings, evidence: MeasuredEvidence | None) -> OptimiseParameters:
        """Return the parameters, with the settings for options that are None, and the configured evidence."""
        return cls(
            backtest=BacktestParameters.of(options, settings, evidence),
            present=present_settings(settings.guards, settings.signals.min_confidence),
            trials=options.trials,
            folds=options.folds,
            seed=settings.backtests.seed if options.seed is None else options.seed,
        )

    @property
    def strategy(self) -> str | None:
        """Name of the single strategy that speaks; None where the rules do."""
        return lane_of(self.backtest.lane).name or None

    @property
    def shown_settings(self) -> dict[str, Any]:
        """What the result depends on beside the candles."""
        return {**self.backtest.shown_settings, "trials": self.trials, "folds": self.folds, "seed": self.seed}
