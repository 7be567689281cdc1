"""What inputs add to the log odds: against the libraries that grew the trees, and by the definition on small trees."""

from __future__ import annotations

from itertools import permutations
from math import factorial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model_settings import ModelSettings
from domain.errors import ModelCorrupt
from domain.forecasting import ModelType
from features.datasets.targets import TradeClass
from features.datasets.windows import Windows
from models.architectures.catalogue import ARCHITECTURES
from models.architectures.outputs import probability_up
from models.architectures.summary import inputs_of
from models.explanation.explanation import dump_explanation, load_explanation
from models.explanation.linear import LinearTerms
from models.explanation.tree_paths import Branch, TreePaths
from tests.fixtures.learning import toy_data, toy_settings

COLUMNS = 4
SHARES = st.floats(0.02, 0.98)
VALUES = st.floats(-1, 1)
ROWS = st.lists(st.integers(-3, 3), min_size=COLUMNS, max_size=COLUMNS)


def branches(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Branch]:
    thresholds = st.integers(-2, 2).map(lambda number: number + 0.5)
    return st.builds(Branch, st.integers(0, COLUMNS - 1), thresholds, SHARES, children, children)


TREES = st.recursive(VALUES, branches, max_leaves=12)


def expected(node: Branch | float, row: np.ndarray, known: frozenset[int]) -> float:
    """Return the value of a tree where only some inputs are known: the others go both ways, by their shares."""
    if not isinstance(node, Branch):
        return node
    left, right = (expected(child, row, known) for child in (node.left, node.right))
    if node.feature in known:
        return left if row[node.feature] <= node.threshold else right
    return node.left_share * left + (1 - node.left_share) * right


def by_all_orders(node: Branch | float, row: np.ndarray) -> np.ndarray:
    """Return the Shapley values by their definition."""
    shares = np.zeros(COLUMNS)
    for order in permutations(range(COLUMNS)):
        for at, column in enumerate(order):
            before, after = frozenset(order[:at]), frozenset(order[: at + 1])
            shares[column] += expected(node, row, after) - expected(node, row, before)
    return shares / factorial(COLUMNS)


@given(st.lists(TREES, min_size=1, max_size=3), ROWS)
def test_contributions_are_the_shapley_values_of_the_trees(trees: list[Branch | float], numbers: list[int]) -> None:
    row = np.array(numbers, np.float32)
    paths = TreePaths.of(trees, COLUMNS)
    found = paths.contributions(row)
    np.testing.assert_allclose(found, sum(by_all_orders(tree, row) for tree in trees), atol=1e-12)
    # They lead from the answer without any input to the answer.
    whole = [expected(tree, row, frozenset(range(COLUMNS))) - expected(tree, row, frozenset()) for tree in trees]
    assert found.sum() == pytest.approx(sum(whole), abs=1e-12)
    again = load_explanation(dump_explanation(paths), COLUMNS)
    np.testing.assert_array_equal(again.contributions(row), found)


def data_of(kind: ModelType) -> tuple[SimpleNamespace, np.ndarray]:
    """Return rows whose columns interact, noisily, and the inputs of some of them."""
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(3000, COLUMNS)).astype(np.float32)
    up = rows[:, 0] * rows[:, 1] + 0.5 * rows[:, 2] + rng.normal(size=3000) > 0
    three = np.where(np.abs(rows[:, 3]) < 0.2, TradeClass.HOLD, np.where(up, TradeClass.BUY, TradeClass.SELL))
    targets = up if ARCHITECTURES[kind].target == "binary" else three
    windows = Windows.over(rows, targets.astype(np.float64), 3, np.zeros(3000, np.int64))
    some = windows.batch(np.arange(0, 2900, 97))[0]
    return SimpleNamespace(train=windows, validation=windows), inputs_of(ARCHITECTURES[kind].inputs, some)


def deep_trees() -> ModelSettings:
    trees = {"trees": 30, "max_depth": 6, "min_samples_leaf": 5}
    models = toy_settings()
    own = {"xgboost": models.xgboost.model_copy(update=trees)}
    own |= {"lightgbm": models.lightgbm.model_copy(update=trees | {"leaves": 24, "feature_share": 1.0})}
    return models.model_copy(update=own)


def test_contributions_are_those_of_lightgbm() -> None:
    data, inputs = data_of(ModelType.LIGHTGBM)
    models = deep_trees()
    model = ARCHITECTURES[ModelType.LIGHTGBM].load()(data, models.lightgbm, models.training)
    theirs = model.booster.predict(inputs, pred_contrib=True)
    paths = model.explanation()
    found = np.stack([paths.contributions(row) for row in inputs])
    assert paths.feature.shape[0] == COLUMNS  # paths that ask every column
    np.testing.assert_allclose(found, theirs[:, :-1], atol=1e-9)
    raw = model.raw(inputs)[:, 0]
    np.testing.assert_allclose(found.sum(axis=1) + theirs[:, -1], np.log(raw / (1 - raw)), atol=1e-5)


def test_contributions_are_those_of_xgboost() -> None:
    import xgboost

    data, inputs = data_of(ModelType.XGBOOST)
    models = deep_trees()
    model = ARCHITECTURES[ModelType.XGBOOST].load()(data, models.xgboost, models.training)
    theirs = model.booster.predict(xgboost.DMatrix(inputs), pred_contribs=True)
    odds = theirs[:, TradeClass.BUY] - theirs[:, TradeClass.SELL]
    found = np.stack([model.explanation().contributions(row) for row in inputs])
    np.testing.assert_allclose(found, odds[:, :-1], atol=2e-5)
    up = probability_up(model.raw(inputs), "three_class")
    np.testing.assert_allclose(found.sum(axis=1) + odds[:, -1], np.log(up / (1 - up)), atol=1e-4)


def test_contributions_of_logistic_regression_are_its_terms() -> None:
    architecture, models = ARCHITECTURES[ModelType.LOGISTIC], toy_settings()
    data = toy_data("binary")
    model = architecture.load()(data, models.logistic_penalty, models.training)
    inputs = inputs_of("newest", data.inputs(20))
    found = np.stack([model.explanation().contributions(row) for row in inputs])
    up = model.raw(inputs)[:, 0]
    odds = found.sum(axis=1) + model.regression.intercept_[0]
    np.testing.assert_allclose(1.0 / (1.0 + np.exp(-odds)), up, atol=1e-6)


def test_trees_that_never_split_explain_nothing() -> None:
    paths = TreePaths.of([0.25, -0.5], COLUMNS)
    assert paths.contributions(np.ones(COLUMNS, np.float32)).tolist() == [0.0] * COLUMNS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read"),
        (b"PK\x03\x04 no archive", "cannot be read"),
        (dump_explanation(LinearTerms(np.ones(3))), "explains 3 inputs, and the model has 4"),
    ],
)
def test_another_file_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(ModelCorrupt, match=message):
        load_explanation(content, COLUMNS)
