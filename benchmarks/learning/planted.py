"""How much of a planted edge each learner finds by the recipe in force: `python -m benchmarks.learning.planted`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import NamedTuple

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
SEED = 7
SYMBOL = "BTCUSDT"

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


def measure(kinds: Sequence[ModelType], seeds: Sequence[int], recipe: str) -> list[Row]:
    """Return a row for each learner and market."""
    settings, rows = planted_settings(recipe), list[Row]()
    for kind in kinds:
        for seed in seeds:
            found = find(kind, settings, seed)
            right, best, edge = f"{found.right:.3f}", f"{found.best:.3f}", f"{found.edge:.0%}"
            row = {"learner": kind.value, "recipe": recipe, "rows": found.rows, "right": right, "oracle": best}
            rows.append({**row, "share of the edge": edge, "CPU s": round(found.cpu_seconds)})
    return rows


def main() -> None:
    """Print the table."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--types", default=",".join(ARCHITECTURES), help="of learners, separated by commas")
    reader.add_argument("--recipe", default="tuned", choices=("tuned", "specified"))
    reader.add_argument("--seeds", type=int, default=1, help="markets for each learner")
    given = reader.parse_args()
    kinds = [ModelType(name) for name in given.types.split(",")]
    with Console(stderr=True).status(f"{CANDLES:,} candles, learner by learner"):
        rows = measure(kinds, range(SEED, SEED + given.seeds), given.recipe)
    print(markdown_table(rows))


if __name__ == "__main__":
    main()
