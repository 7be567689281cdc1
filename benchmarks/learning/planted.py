"""How much of a planted edge each learner finds by the recipe in force: `python -m benchmarks.learning.planted`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from rich.console import Console

from benchmarks.report import markdown_table
from config.settings import Settings
from config.sources import load_settings
from domain.forecasting import ModelType
from domain.market import Timeframe
from models.architectures.catalogue import ARCHITECTURES
from models.training.training_run import TrainingRequest, TrainingRun
from tests.fixtures.planted_market import repeating_market

CANDLES = 4_000
REPEATS = 0.65
EPOCHS = 8
# No setting was chosen on these markets.
FIRST_SEED = 301
SYMBOL = "BTCUSDT"
# Share of the oracle's edge that every learner is to find, as the mean over its markets.
GOAL = 0.9

Row = dict[str, str | float]


class Found(NamedTuple):
    """Rows, the share of right directions of a learner and of the oracle on them, and CPU seconds of the fit."""

    rows: int
    right: float
    best: float
    cpu_seconds: float

    @property
    def edge(self) -> float:
        """Share of the oracle's edge over chance."""
        return (self.right - 0.5) / (self.best - 0.5)


def find(kind: ModelType, settings: Settings, seed: int) -> Found:
    """Return what a learner finds in the newest candles of a market, which it has not seen.

    The oracle always expects the sign of the last move.

    Args:
        kind: Of the learner.
        settings: Those in force, with one fold.
        seed: Of the market.
    """
    markets = {SYMBOL: repeating_market(CANDLES, REPEATS, seed)}
    run = TrainingRun(TrainingRequest(kind, SYMBOL, Timeframe.H1), markets, settings.models, settings.features)
    learner, (split,), returns = run.learners[kind], run.evaluation_set.folds.splits, run.evaluation_set.returns
    started = time.process_time()
    fitted = learner.fit(split, lambda _: None)
    seconds = time.process_time() - started
    said = learner.predict(fitted).calibrated(returns, settings.models.evaluation.calibration).test
    rises, rose_before = returns[said.rows] > 0.0, returns[said.rows - 1] > 0.0
    right = ((said.probability > 0.5) == rises).mean()
    return Found(len(rises), float(right), float((rose_before == rises).mean()), seconds)


def planted_settings(recipe: str) -> Settings:
    """Return the settings of a recipe, with eight epochs and one fold."""
    settings = load_settings(overrides={"models": {"recipe": recipe, "evaluation": {"folds": 1}}})
    return settings.model_copy(update={"models": settings.models.trained_with(epochs=EPOCHS)})


def measure(kinds: Sequence[ModelType], seeds: Sequence[int], recipe: str, console: Console) -> Iterator[Row]:
    """Yield the row of each learner once all of its markets are measured; tell the console of every market."""
    settings = planted_settings(recipe)
    for kind in kinds:
        markets = list[Found]()
        for seed in seeds:
            markets.append(find(kind, settings, seed))
            console.print(
                f"{kind.value}, market {seed}: {markets[-1].edge:.0%}, {markets[-1].cpu_seconds:.0f} s of CPU"
            )
        yield _row(kind, recipe, markets)


def _row(kind: ModelType, recipe: str, markets: Sequence[Found]) -> Row:
    """Return what a learner found, as means over markets, with the market in which it found least."""
    edges = [found.edge for found in markets]
    return {
        "learner": kind.value,
        "recipe": recipe,
        "markets": str(len(markets)),
        "rows": markets[0].rows,
        "right": f"{np.mean([found.right for found in markets]):.3f}",
        "oracle": f"{np.mean([found.best for found in markets]):.3f}",
        "share of the edge": f"{np.mean(edges):.0%}",
        "least": f"{min(edges):.0%}",
        "CPU s of a fit": round(float(np.mean([found.cpu_seconds for found in markets]))),
        f"{GOAL:.0%} found": "yes" if np.mean(edges) >= GOAL else "no",
    }


def main() -> int:
    """Print the table; return the exit status: 0 when every learner finds the goal's share."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--types", default=",".join(ARCHITECTURES), help="of learners, separated by commas")
    reader.add_argument("--recipe", default="tuned", choices=("tuned", "specified"))
    reader.add_argument("--seeds", type=int, default=3, help="markets for each learner")
    given = reader.parse_args()
    kinds = [ModelType(name) for name in given.types.split(",")]
    seeds = range(FIRST_SEED, FIRST_SEED + given.seeds)
    rows = list(measure(kinds, seeds, given.recipe, Console(stderr=True)))
    print(markdown_table(rows))
    return 0 if all(row[f"{GOAL:.0%} found"] == "yes" for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
