"""The gate: only a model that beats the prior, logistic regression and production serves; chance is not promoted."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from config.watch_settings import EvaluationSettings
from models.evaluation.bootstrap import Resampling
from models.evaluation.gate import GateVerdict, PromotionGate
from models.evaluation.out_of_sample import OutOfSample
from tests.fixtures.forecasts import forecast, truth
from tests.fixtures.settings import configured

COUNT = 6_000
TRUTH, RETURNS = truth(COUNT)
GATE = PromotionGate(Resampling(400, 24, 1), 200)
NOISE = np.random.default_rng(43).normal(size=COUNT)

PRIOR = np.full(COUNT, 0.5)
# From knowing nothing to knowing all: each better than the one before, clear of chance.
BAD, SOME, GOOD, BEST = (0.5 + share * (TRUTH - 0.5) for share in (-0.5, 0.2, 0.5, 1.0))
FORECASTS = {
    "bad": BAD,
    "some": SOME,
    "good": GOOD,
    "best": BEST,
    # As good as `some`, within chance.
    "like some": SOME + 0.002 * NOISE,
    "like prior": PRIOR + 0.003 * NOISE,
    "constant": PRIOR + 0.0005 * NOISE,
}


def decide(candidate: str, logistic: str | None, production: str | None, force: str | None = None) -> GateVerdict:
    """Return the verdict on forecasts by name."""
    made = {name: forecast(probability, RETURNS) for name, probability in FORECASTS.items()}
    simpler, served = (None if name is None else made[name] for name in (logistic, production))
    return GATE.judge(made[candidate], forecast(PRIOR, RETURNS), simpler, served, force)


@pytest.mark.parametrize(
    ("candidate", "logistic", "production", "serves", "said"),
    [
        # No production yet.
        ("good", "some", None, "candidate", "better than the prior and logistic regression"),
        ("like some", "some", None, "logistic", "not better than logistic regression"),
        ("some", "good", None, "logistic", "not better than logistic regression"),
        ("like prior", "bad", None, "nothing", "not better than the prior"),
        ("good", "bad", None, "candidate", "better than the prior and logistic regression"),
        ("like prior", "like prior", None, "nothing", "not better than the prior and logistic regression"),
        # The candidate is a logistic regression.
        ("some", None, None, "candidate", "better than the prior."),
        ("like prior", None, None, "nothing", "not better than the prior."),
        ("good", None, "some", "candidate", "better than the prior and the model in production"),
        ("like some", None, "some", "production", "not better than the model in production"),
        # Something serves already.
        ("best", "some", "good", "candidate", "better than the prior, logistic regression and the model in"),
        ("good", "some", "best", "production", "not better than the model in production"),
        ("good", "some", "good", "production", "not better than the model in production"),
        ("like some", "some", "good", "production", "logistic regression and the model in production"),
        ("like some", "some", "some", "production", "logistic regression and the model in production"),
        ("like some", "some", "bad", "logistic", "better than the prior and the model in production"),
        ("like prior", "like prior", "some", "production", "not better than the prior"),
        # What serves is no good itself: it stays, and that is said.
        ("like prior", "like prior", "bad", "production", "not better than the prior"),
        # Collapsed.
        ("constant", "bad", None, "nothing", "collapsed to a constant"),
        ("constant", "some", None, "logistic", "collapsed to a constant"),
        ("constant", "some", "good", "production", "collapsed to a constant"),
    ],
)
def test_which_model_serves(
    candidate: str, logistic: str | None, production: str | None, serves: str, said: str
) -> None:
    verdict = decide(candidate, logistic, production)
    assert verdict.serves == serves
    assert verdict.promoted == (serves == "candidate")
    assert not verdict.forced
    assert said in verdict.reasons[-1]
    assert GateVerdict.model_validate_json(verdict.model_dump_json()) == verdict


def test_production_that_is_no_better_than_the_prior_is_named() -> None:
    reasons = decide("like prior", "like prior", "bad").reasons
    assert any(reason.startswith("Brier") and "of the model in production against" in reason for reason in reasons)
    assert reasons[-2].endswith("worse.")
    assert reasons[-1].startswith("The model in production stays")


def test_reasons_carry_the_numbers() -> None:
    verdict = decide("good", "some", None)
    losses = [((FORECASTS["good"] - (RETURNS > 0)) ** 2).mean(), ((PRIOR - (RETURNS > 0)) ** 2).mean()]
    comparison = verdict.comparisons[0]
    assert comparison.interval is not None
    assert verdict.reasons[0] == (
        f"Brier {losses[0]:.4f} of the candidate against {losses[1]:.4f} of the prior on 6000 predictions: "
        f"{losses[0] - losses[1]:+.4f} [{comparison.interval.low:+.4f}, {comparison.interval.high:+.4f}], better."
    )
    assert comparison.interval.low < losses[0] - losses[1] < comparison.interval.high < 0.0


def test_force_promotes_and_records_why_and_against_what() -> None:
    verdict = decide("constant", "some", "good", force="trial on a test account")
    assert verdict.promoted
    assert verdict.forced
    assert "trial on a test account" in verdict.reasons[-1]
    assert "collapsed" in verdict.reasons[-2]


def test_force_is_not_recorded_where_it_was_not_needed() -> None:
    assert decide("good", "some", None, force="hurry") == decide("good", "some", None)


@pytest.mark.parametrize(("accuracy", "auc"), [(0.65, 1.0), (1.0, 0.7)])
def test_what_is_too_good_to_be_true_does_not_serve(accuracy: float, auc: float) -> None:
    gate = replace(GATE, suspicious_accuracy=accuracy, suspicious_auc=auc)
    prior = forecast(PRIOR, RETURNS)
    future = forecast(0.5 + 0.3 * np.sign(RETURNS) * (np.abs(NOISE) < 1.2), RETURNS)
    verdict = gate.judge(future, prior, None, None)
    assert verdict.serves == "nothing"
    assert "too good to be true" in verdict.reasons[-1]
    assert f"of {COUNT} predictions" in verdict.reasons[-1]
    # Where logistic regression reads the future too, it is no way out.
    assert gate.judge(future, prior, future, None).serves == "nothing"
    assert gate.judge(future, prior, None, forecast(GOOD, RETURNS)).serves == "production"
    assert gate.judge(future, prior, None, None, "the market is made up").promoted
    assert gate.judge(forecast(BEST, RETURNS), prior, None, None).promoted


def test_force_without_a_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a reason"):
        decide("good", "some", None, force="  ")


def first(model: OutOfSample, count: int) -> OutOfSample:
    """Return the first rows of a forecast."""
    return OutOfSample(*(getattr(model, field.name)[:count] for field in fields(model)))


def test_too_few_predictions_promote_nothing_and_say_how_many_are_needed() -> None:
    prior, bad, best = (forecast(values, RETURNS) for values in (PRIOR, BAD, BEST))
    gate = PromotionGate(Resampling(400, 24, 1), 1_500)
    verdict = gate.judge(first(best, 1_499), first(prior, 1_499), first(bad, 1_499), None)
    assert verdict.serves == "nothing"
    assert "1499 out-of-sample predictions, 1500 are needed" in verdict.reasons[-1]
    assert gate.judge(first(best, 1_500), first(prior, 1_500), first(bad, 1_500), None).promoted
    # Nor is production replaced by what has hardly a row in common with it.
    verdict = gate.judge(best, prior, bad, first(prior, 1_499))
    assert verdict.serves == "production"
    assert any("too few for an interval" in reason for reason in verdict.reasons)
    other_rows = replace(prior, rows=prior.rows + COUNT)
    assert any("no prediction in common" in reason for reason in gate.judge(best, prior, bad, other_rows).reasons)


def test_models_are_compared_on_the_rows_of_both_where_the_price_moved() -> None:
    returns = RETURNS.copy()
    returns[1_000:1_500] = 0.0
    candidate, prior = forecast(BEST, returns), forecast(PRIOR, returns, np.arange(500, 4_000))
    comparison = GATE.compare("the candidate", candidate, "the prior", prior)
    rows = np.r_[500:1_000, 1_500:4_000]
    assert comparison.count == 3_000
    assert comparison.brier == pytest.approx(((BEST[rows] - (RETURNS[rows] > 0)) ** 2).mean())


def test_the_configured_gate_needs_what_an_interval_needs() -> None:
    settings = configured(EvaluationSettings, min_test_windows=200, bootstrap_block=24)
    assert PromotionGate.of(settings, horizon=1, seed=1).min_predictions == 200
    assert PromotionGate.of(settings, horizon=48, seed=1).min_predictions == 768


@pytest.mark.parametrize("count", [240, 1_200])
def test_on_shuffled_returns_chance_does_not_pass(count: int) -> None:
    refused, covered, seeds = 0, 0, 120
    gate = PromotionGate(Resampling(200, 24, 1), 200)
    for seed in range(seeds):
        believed, returns = truth(count, seed, spread=0.03)
        rng = np.random.default_rng([47, seed])
        returns = rng.choice((-0.01, 0.01), size=count) if seed % 2 else rng.permutation(returns)
        # The prior of a walk forward is off by the chance of its training rows; so is everybody's here.
        prior = np.full(count, 0.5 + 0.5 * rng.normal() / np.sqrt(4 * count))
        logistic = prior + 0.02 * rng.normal(size=count)
        candidate = forecast(believed, returns)
        verdict = gate.judge(candidate, forecast(prior, returns), forecast(logistic, returns), None)
        refused += verdict.serves == "nothing"
        accuracy = candidate.scores(gate.resampling).intervals["accuracy"]
        covered += accuracy.low <= 0.5 <= accuracy.high
    assert refused >= 0.95 * seeds
    assert covered >= 0.9 * seeds
