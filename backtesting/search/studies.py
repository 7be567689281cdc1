"""One search: settings are tried one after the other, and the results of earlier ones say where to try next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backtesting.figures.account import DailyReturns
from backtesting.figures.trade_groups import TradeFigures, trade_figures
from backtesting.search.searched_markets import Played
from backtesting.search.space import Searched, SearchedSettings

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

# A setting with fewer trades is not chosen: a few trades that were lucky look better than any edge.
LEAST_TRADES = 10
# Share of the trials that are drawn at random before the others follow what they found.
RANDOM_SHARE = 0.4


@dataclass(frozen=True)
class Tried:
    """One trial of a search, and its result."""

    settings: SearchedSettings
    returns: DailyReturns
    trades: TradeFigures

    @classmethod
    def of(cls, settings: SearchedSettings, played: Played) -> Tried:
        """Return the trial of some settings."""
        return cls(settings, played.returns, trade_figures(played.simulation.trades))

    @property
    def sharpe(self) -> float:
        """Of the daily returns, not annualized; 0 where nothing varies."""
        return self.returns.sharpe or 0.0

    @property
    def counts(self) -> bool:
        """Whether it has enough trades to be chosen."""
        return self.trades.trades >= LEAST_TRADES


def search(
    attempt: Callable[[SearchedSettings], Tried],
    space: Sequence[Searched],
    present: SearchedSettings,
    trials: int,
    seed: int,
) -> list[Tried]:
    """Return the trials of a search for the highest Sharpe ratio, the present settings first.

    The sampler is Optuna's Tree-structured Parzen Estimator over all settings together.

    Args:
        attempt: Trades by some settings.
        space: What is searched.
        present: Tried first; it has the value of everything that is not searched.
        trials: Number of trials, the first included, >= 1.
        seed: The same seed tries the same settings where their results are the same.

    Source: Bergstra et al., Algorithms for Hyper-Parameter Optimization (2011).
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(
        seed=seed, multivariate=True, n_startup_trials=max(1, round(RANDOM_SHARE * trials))
    )
    study = optuna.create_study(direction="maximize", sampler=sampler)
    distributions = {one.name: _distribution(one) for one in space}
    done = [attempt(present)]
    for _ in range(trials - 1):
        trial = study.ask(distributions)
        # Steps are added up in binary fractions: 0.35 + 17 * 0.01 is not 0.52.
        values = {name: round(value, 6) for name, value in trial.params.items()}
        tried = attempt(present.model_copy(update=values))
        if tried.counts:
            study.tell(trial, tried.sharpe)
        else:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        done.append(tried)
    return done


def best_of(tried: Sequence[Tried]) -> Tried:
    """Return the trial with the highest Sharpe ratio of those with enough trades; without any, the first."""
    return max((one for one in tried if one.counts), key=lambda one: one.sharpe, default=tried[0])


def _distribution(searched: Searched) -> BaseDistribution:
    from optuna.distributions import FloatDistribution, IntDistribution

    if isinstance(searched.low, int):
        return IntDistribution(searched.low, int(searched.high), log=searched.step is None)
    return FloatDistribution(searched.low, searched.high, step=searched.step, log=searched.step is None)
