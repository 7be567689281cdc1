"""Out-of-sample predictions: pooled in order, calibrated on validation rows alone; and the plain baselines."""

from __future__ import annotations

import numpy as np
import pytest

from config.watch_settings import CalibrationKind, EvaluationSettings
from features.datasets.splits import Split
from models.evaluation.baselines import Baseline, majority, prior, reversal
from models.evaluation.calibration import MIN_PROBABILITY
from models.evaluation.folds import evaluation_folds
from models.evaluation.out_of_sample import FoldPrediction, OutOfSample, Predicted, out_of_sample
from tests.fixtures.settings import configured

COUNT, SEQUENCE_LENGTH = 3_000, 60
# Returns that turn two times out of three.
RNG = np.random.default_rng(53)
SIGNS = np.where(np.cumsum(RNG.random(COUNT) < 2 / 3) % 2 > 0, 1.0, -1.0)
RETURNS = np.append((SIGNS * RNG.exponential(0.01, COUNT))[:-1], np.nan)
ENDS = np.arange(SEQUENCE_LENGTH - 1, COUNT - 1)
FOLDS = evaluation_folds(ENDS, 1, configured(EvaluationSettings)).splits
RUNS = np.zeros(COUNT, dtype=np.int64)


def predictions(fold: Split, probability: np.ndarray) -> FoldPrediction:
    """Return predictions of both parts of a fold, from one per row."""
    parts = [ENDS[np.isin(ENDS, part)] for part in (fold.validation, fold.test)]
    return FoldPrediction(*(Predicted(rows, probability[rows]) for rows in parts))


def walked(baseline: Baseline, returns: np.ndarray = RETURNS) -> OutOfSample:
    return out_of_sample((baseline(fold, ENDS, returns) for fold in FOLDS), returns, "none")


def test_folds_are_pooled_in_order_with_what_happened() -> None:
    raw = np.linspace(0.3, 0.7, COUNT)
    pooled = out_of_sample((predictions(fold, raw) for fold in FOLDS), RETURNS, "none")
    np.testing.assert_array_equal(pooled.rows, np.arange(FOLDS[0].test.start, FOLDS[-1].test.stop))
    np.testing.assert_array_equal(pooled.raw, raw[pooled.rows])
    np.testing.assert_array_equal(pooled.returns, RETURNS[pooled.rows])
    assert np.unique(pooled.fold).tolist() == [0, 1, 2]


@pytest.mark.parametrize("kind", ["sigmoid", "isotonic"])
def test_calibration_uses_validation_rows_and_no_test_rows(kind: CalibrationKind) -> None:
    # Far too sure: it says 95 % and 5 % of what turns two times out of three.
    raw = np.where(np.roll(SIGNS, 1) > 0, 0.05, 0.95)
    pooled = out_of_sample((predictions(fold, raw) for fold in FOLDS), RETURNS, kind)
    after_rise = raw[pooled.rows] < 0.5
    assert pooled.probability[after_rise] == pytest.approx(1 / 3, abs=0.06)
    assert pooled.probability[~after_rise] == pytest.approx(2 / 3, abs=0.06)
    # Whatever happens in the test part changes nothing of what was said.
    last = FOLDS[-1]
    flipped = RETURNS.copy()
    flipped[last.test.start :] *= -1
    again = out_of_sample((predictions(fold, raw) for fold in FOLDS), flipped, kind)
    np.testing.assert_array_equal(again.probability, pooled.probability)


def test_calibrated_parts_are_what_the_pool_holds() -> None:
    raw = np.where(np.roll(SIGNS, 1) > 0, 0.05, 0.95)
    fold = predictions(FOLDS[0], raw)
    pooled = out_of_sample([fold], RETURNS, "sigmoid")
    np.testing.assert_array_equal(fold.calibrated(RETURNS, "sigmoid").test.probability, pooled.probability)


def test_unknown_returns_are_left_out_and_unchanged_prices_kept_but_not_scored() -> None:
    returns = RETURNS.copy()
    start = FOLDS[0].test.start
    returns[start], returns[start + 1] = np.nan, 0.0
    pooled = walked(prior, returns)
    assert pooled.rows[0] == start + 1
    assert pooled.scores().count == len(pooled.rows) - 1


def test_a_constant_per_fold_has_no_deviation() -> None:
    constant = np.empty(COUNT)
    for number, fold in enumerate(FOLDS):
        constant[fold.test.start : fold.test.stop] = 0.4 + 0.1 * number
    constant[: FOLDS[0].test.start] = 0.4
    pooled = out_of_sample((predictions(fold, constant) for fold in FOLDS), RETURNS, "none")
    assert pooled.raw_deviation == pytest.approx(0.0, abs=1e-9)
    noisy = constant + 0.01 * RNG.normal(size=COUNT)
    pooled = out_of_sample((predictions(fold, noisy) for fold in FOLDS), RETURNS, "none")
    assert pooled.raw_deviation == pytest.approx(0.01, rel=0.1)


def test_folds_out_of_order_and_no_folds_are_refused() -> None:
    made = [predictions(fold, np.full(COUNT, 0.5)) for fold in FOLDS]
    with pytest.raises(ValueError, match="overlap or are out of order"):
        out_of_sample(reversed(made), RETURNS, "none")
    with pytest.raises(ValueError, match="without a fold"):
        out_of_sample([], RETURNS, "none")


def test_the_prior_is_the_share_of_rises_before_the_test() -> None:
    pooled = walked(prior)
    for number, fold in enumerate(FOLDS):
        said = pooled.probability[pooled.fold == number]
        assert said == pytest.approx((RETURNS[: fold.validation.stop] > 0).mean())


def test_the_majority_is_certain_of_the_more_frequent_direction() -> None:
    rising = np.where(RNG.random(COUNT) < 0.6, 0.01, -0.01)
    assert walked(majority, rising).scores().recall == 1.0
    assert set(walked(majority, -rising).probability) == {MIN_PROBABILITY}


def test_reversal_is_the_share_of_returns_that_reversed() -> None:
    pooled = walked(reversal(RUNS, 1))
    after_rise = RETURNS[pooled.rows - 1] > 0
    assert pooled.probability[after_rise] == pytest.approx(1 / 3, abs=0.04)
    assert pooled.probability[~after_rise] == pytest.approx(2 / 3, abs=0.04)
    assert pooled.scores().accuracy == pytest.approx(2 / 3, abs=0.04)


def test_reversal_of_longer_horizons_uses_completed_returns() -> None:
    horizon = 4
    pooled = walked(reversal(RUNS, horizon))
    last = RETURNS[pooled.rows - horizon]
    assert len(set(pooled.probability[(last > 0) & (pooled.fold == 0)])) == 1
    assert len(set(pooled.probability[(last < 0) & (pooled.fold == 0)])) == 1


def test_where_the_last_return_is_unknown_reversal_is_the_prior() -> None:
    runs = RUNS.copy()
    row = FOLDS[0].test.start + 5
    runs[row:] = 1
    np.testing.assert_array_equal(
        walked(reversal(runs, 1)).probability[5], pytest.approx(walked(prior).probability[5], abs=1e-3)
    )


@pytest.mark.parametrize("baseline", [prior, majority, reversal(RUNS, 1)])
def test_baselines_use_no_test_rows(baseline: Baseline) -> None:
    first = FOLDS[0]
    flipped = RETURNS.copy()
    flipped[first.test.start + 10 :] *= -1
    before, after = (baseline(first, ENDS, returns).test.probability[:11] for returns in (RETURNS, flipped))
    np.testing.assert_array_equal(before, after)
