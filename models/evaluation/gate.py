"""The gate: a candidate may serve only if it predicts better than simpler models and the one that serves now.

Better is a lower Brier score on the same out-of-sample rows, by a paired block-bootstrap interval of
the difference that excludes zero. It has to beat three: the prior (the share of rises so far),
logistic regression, and the model in production. `PromotionGate.judge` lists the cases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from config.watch_settings import EvaluationSettings
from domain.values import Frozen, Share
from models.evaluation.bootstrap import Interval, Resampling, mean_interval
from models.evaluation.metrics import brier_losses
from models.evaluation.out_of_sample import OutOfSample

# Calibrated predictions that spread by s around the share of rises score about s squared better than it
# and need (2 / s) squared rows to show it: a million for this one.
COLLAPSED_DEVIATION = 0.002

Serves = Literal["candidate", "logistic", "production", "nothing"]


class Comparison(Frozen):
    """Two models on the rows that both predicted and where the price moved.

    Attributes:
        model: What was judged, in words.
        against: What it was compared with, in words.
        count: Rows; the figures below are None without any.
        brier: Brier score of the model.
        against_brier: Brier score of the other.
        difference: The first less the second; below 0 the model is better.
        interval: 95 % interval of the difference; None where the rows are too few.
    """

    model: str
    against: str
    count: Annotated[int, Field(ge=0)]
    brier: Share | None = None
    against_brier: Share | None = None
    difference: float | None = None
    interval: Interval | None = None

    @property
    def better(self) -> bool:
        """Whether the whole interval is below zero."""
        return self.interval is not None and self.interval.high < 0.0

    @property
    def worse(self) -> bool:
        """Whether the whole interval is above zero."""
        return self.interval is not None and self.interval.low > 0.0

    def in_words(self) -> str:
        """Return one sentence with the numbers."""
        if self.difference is None:
            return f"{self.model} and {self.against} have no prediction in common."
        said = (
            f"Brier {self.brier:.4f} of {self.model} against {self.against_brier:.4f} of {self.against} "
            f"on {self.count} predictions: {self.difference:+.4f}"
        )
        if self.interval is None:
            return f"{said}, too few for an interval."
        verdict = "better" if self.better else "worse" if self.worse else "no difference that could not be chance"
        return f"{said} [{self.interval.low:+.4f}, {self.interval.high:+.4f}], {verdict}."


class GateVerdict(Frozen):
    """What serves from now on, and why.

    Attributes:
        serves: `candidate`; `logistic`: the logistic regression of the same run, the simpler of two that tie;
            `production`: the model that served before; `nothing`: none was good enough.
        forced: The candidate serves because a person said so.
        reasons: Plain sentences with the numbers, the decision last.
        comparisons: Everything that was compared.
    """

    serves: Serves
    forced: bool = False
    reasons: tuple[str, ...]
    comparisons: tuple[Comparison, ...]

    @property
    def promoted(self) -> bool:
        """Whether the candidate serves."""
        return self.serves == "candidate"


@dataclass(frozen=True)
class PromotionGate:
    """The rules of promotion.

    Attributes:
        resampling: Draws the rows of the intervals.
        min_predictions: With fewer nothing is promoted.
        suspicious_accuracy: Share of right directions above which a model has probably read the future.
        suspicious_auc: The same of the area under the curve.
    """

    resampling: Resampling
    min_predictions: int
    suspicious_accuracy: float = 1.0
    suspicious_auc: float = 1.0

    @classmethod
    def of(cls, settings: EvaluationSettings, horizon: int, seed: int) -> PromotionGate:
        """Return the configured gate; it needs at least the predictions that an interval needs."""
        resampling = Resampling.of(settings, horizon, seed)
        least = max(settings.min_test_windows, resampling.min_rows)
        return cls(resampling, least, settings.suspicious_accuracy, settings.suspicious_auc)

    def judge(
        self,
        candidate: OutOfSample,
        prior: OutOfSample,
        logistic: OutOfSample | None,
        production: OutOfSample | None,
        force: str | None = None,
        reference: str = "the prior",
    ) -> GateVerdict:
        """Return what serves from now on.

        - The candidate serves if it is better than each of the others, has not collapsed to a constant, and is not too
          good to be true.
        - Where it is not better than logistic regression, that serves if it is better than the prior and
          than production, and not too good to be true.
        - Otherwise production stays, or nothing serves where there is none; the same holds where predictions,
          or those in common with production, are too few.

        Args:
            candidate: Predictions of what may be promoted.
            prior: Of the share of rises so far, on the same folds.
            logistic: Of logistic regression, on the same folds; None if the candidate is one.
            production: Of the model that serves now, on rows that it was not trained on; None without one.
            force: Reason why the candidate serves, whatever the result.
            reference: What `prior` is, in words, where it is something else.

        Raises:
            ValueError: `force` is blank.
        """
        if force is not None and not force.strip():
            raise ValueError("a promotion by force needs a reason to record")
        others = [(reference, prior)]
        served = [] if production is None else [("the model in production", production)]
        simpler = [] if logistic is None else [("logistic regression", logistic)]
        own = [self.compare("the candidate", candidate, *other) for other in others + simpler + served]
        fallback = [self.compare(*simpler[0], *other) for other in others + served] if simpler else []
        standing = [self.compare(*served[0], *others[0])] if served else []
        comparisons = (*own, *fallback, *standing)

        doubts = self._doubts(candidate, own)
        ties = bool(simpler) and not own[1].better
        stays = "The model in production stays" if served else "Nothing serves"
        serves: Serves = "production" if served else "nothing"
        if not doubts:
            serves, decision = "candidate", f"The candidate serves: better than {_listed(own)}."
        elif ties and all(comparison.better for comparison in fallback) and not (logistic and self._leak(logistic)):
            serves = "logistic"
            decision = f"Logistic regression serves, better than {_listed(fallback)}: {doubts}."
        else:
            decision = f"{stays}: {doubts}."
        reasons = (*(comparison.in_words() for comparison in comparisons), decision)
        if force is None or serves == "candidate":
            return GateVerdict(serves=serves, reasons=reasons, comparisons=comparisons)
        reasons = (*reasons, f"The candidate serves by force all the same: {force.strip()}")
        return GateVerdict(serves="candidate", forced=True, reasons=reasons, comparisons=comparisons)

    def compare(self, name: str, model: OutOfSample, other_name: str, other: OutOfSample) -> Comparison:
        """Return how a model did against another on the rows that both predicted and where the price moved."""
        _, ours, theirs = np.intersect1d(model.rows, other.rows, assume_unique=True, return_indices=True)
        moved = model.returns[ours] != 0.0
        ours, theirs = ours[moved], theirs[moved]
        if not len(ours):
            return Comparison(model=name, against=other_name, count=0)
        up = model.returns[ours] > 0.0
        losses, other_losses = brier_losses(model.probability[ours], up), brier_losses(other.probability[theirs], up)
        difference = losses - other_losses
        return Comparison(
            model=name,
            against=other_name,
            count=len(ours),
            brier=float(losses.mean()),
            against_brier=float(other_losses.mean()),
            difference=float(difference.mean()),
            interval=mean_interval(difference, self.resampling) if len(ours) >= self.min_predictions else None,
        )

    def _doubts(self, candidate: OutOfSample, comparisons: list[Comparison]) -> str:
        """Return why the candidate may not serve, in words; empty if it may."""
        count = comparisons[0].count
        if count < self.min_predictions:
            return f"the candidate has {count} out-of-sample predictions, {self.min_predictions} are needed to tell"
        if candidate.raw_deviation < COLLAPSED_DEVIATION:
            return (
                f"the candidate collapsed to a constant, its raw probabilities deviate by "
                f"{candidate.raw_deviation:.5f} ({COLLAPSED_DEVIATION} is the least)"
            )
        if leak := self._leak(candidate):
            return leak
        unbeaten = [comparison for comparison in comparisons if not comparison.better]
        return f"the candidate is not better than {_listed(unbeaten)}" if unbeaten else ""

    def _leak(self, model: OutOfSample) -> str:
        """Return why predictions are too good to be true, in words; empty if they are not."""
        scores = model.scores()
        accuracy, auc = scores.accuracy or 0.0, scores.auc or 0.0
        if accuracy <= self.suspicious_accuracy and auc <= self.suspicious_auc:
            return ""
        return (
            f"it is right in {accuracy:.1%} of {scores.count} predictions, with an AUC of {auc:.3f}, which is too good "
            f"to be true (above {self.suspicious_accuracy:.0%} or {self.suspicious_auc:.2f}): look for candles that "
            "are shifted, repeated or made up, so that features tell the future"
        )


def _listed(comparisons: list[Comparison]) -> str:
    *first, last = (comparison.against for comparison in comparisons)
    return f"{', '.join(first)} and {last}" if first else last
