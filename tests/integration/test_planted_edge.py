"""With its default settings a learner finds nearly all that can be found in a market whose moves repeat."""

from __future__ import annotations

import pytest

from benchmarks.learning.planted import REPEATS, find, planted_settings
from domain.forecasting import ModelType

# In this market each of them finds 98 % or more.
LEARNED_SHARE = 0.95
# The other networks: `python -m benchmarks.learning.planted`, whose table is in docs/learning.md.
FAST = (
    ModelType.GRU,
    ModelType.TRANSFORMER,
    ModelType.LIGHTGBM,
    ModelType.LOGISTIC,
    ModelType.RANDOM_FOREST,
    ModelType.XGBOOST,
)


@pytest.mark.slow
@pytest.mark.parametrize("kind", FAST)
def test_the_tuned_recipe_finds_nearly_all_of_the_edge(kind: ModelType) -> None:
    found = find(kind, planted_settings("tuned"), seed=7)
    assert found.best == pytest.approx(REPEATS, abs=0.03)
    assert found.edge >= LEARNED_SHARE
