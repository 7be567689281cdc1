"""A study: several learners and the baselines on the same folds of the same candles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from time import process_time

from config.model_settings import ModelSettings
from config.settings import FeatureSettings
from domain.errors import InvalidRequest
from domain.forecasting import ANY_SYMBOL, ModelType
from domain.jobs import TellProgress
from domain.market import CandleSeries, Timeframe
from models.architectures.catalogue import ARCHITECTURES
from models.evaluation.out_of_sample import FoldPrediction, OutOfSample
from models.studies.judged_time import judge_from
from models.studies.rows import StudyResult, StudyRow, mean_row
from models.studies.walks import Walk, fingerprint, has_others, load_walk, save_walk, walk_path
from models.training.learner import Learner
from models.training.learner_settings import settings_digest
from models.training.progress import Progress
from models.training.training_run import TrainingRequest, TrainingRun
from models.training.trial_records import trials_of
from models.training.walk_forward import (
    BaselineName,
    calibrated_predictions,
    ensemble_predictions,
    judged,
    mean_predictions,
    walk_forward,
)

BASELINES: tuple[BaselineName, ...] = ("prior", "majority", "reversal")


class Study:
    """Walks learners forward on common folds; networks once per seed."""

    def __init__(
        self,
        types: Sequence[ModelType],
        seeds: int,
        markets: Mapping[str, CandleSeries],
        timeframe: Timeframe,
        models: ModelSettings,
        features: FeatureSettings,
        judged_from_ms: int | None = None,
    ) -> None:
        """Check the candles and make the folds that all learners have in common.

        Args:
            types: Types to compare, one or more; logistic regression is always included.
            seeds: Of each network: the configured seed and those after it, >= 1.
            markets: Closed candles by symbol, one or more.
            timeframe: Of the candles.
            models: Settings of the models.
            features: Settings of the preparation.
            judged_from_ms: Epoch ms; all candles from then on are judged in one part by learners of those before. None
                judges the folds of the settings.

        Raises:
            InvalidRequest: an ensemble among the types, which is in every study anyway, or a time that leaves no
                candles to learn from or to judge.
            InsufficientData: too few candles, with the numbers.
        """
        self.types = tuple(dict.fromkeys(types))
        if ModelType.ENSEMBLE in self.types:
            raise InvalidRequest("a study takes the members of an ensemble and adds their mean and ensemble by itself")
        symbol = next(iter(markets)) if len(markets) == 1 else ANY_SYMBOL
        members = models.model_copy(update={"ensemble_members": self.types})
        self._run = TrainingRun(TrainingRequest(ModelType.ENSEMBLE, symbol, timeframe), markets, members, features)
        if judged_from_ms is not None:
            judge_from(self._run, judged_from_ms)
        self._seeds = tuple(range(models.training.seed, models.training.seed + seeds))

    def run(self, listener: TellProgress, folder: Path | None, now: Callable[[], datetime]) -> StudyResult:
        """Train, judge and compare; takes from seconds to a day.

        Args:
            listener: Called after every epoch and every fit.
            folder: Where predictions of finished learners are kept and looked up; None keeps none. Those of other
                candles, folds or settings stay there and are not used.
            now: The clock, aware UTC.

        Raises:
            InvalidRequest: a file of the folder is damaged, or the folder cannot be written.
            TrainingFailed: as `Learner.fit`.
        """
        walks, notes = self._walks(listener, folder, now)
        by_type = {kind: [walks[kind, seed] for seed in self._seeds_of(kind)] for kind in self._run.learners}
        logistic = self._judged(by_type[ModelType.LOGISTIC][0].predictions)
        rows = [self._row(name, self._run.evaluation_set.baseline(name), logistic) for name in BASELINES]
        for kind, of_seeds in by_type.items():
            rows += self._rows(kind, of_seeds, logistic)
        # Members have the first seed, with which they would be trained to serve.
        first = {kind: by_type[kind][0].predictions for kind in self.types}
        if len(first) > 1:
            combined = self._combined(first).items()
            rows += [self._row(name, self._judged(predictions), logistic) for name, predictions in combined]
        evaluation_set, axis = self._run.evaluation_set, self._run.axis
        times = axis.times_ms(logistic.rows)
        candles = sum(len(series) for series in self._run.markets.values())
        note = " ".join([*([evaluation_set.folds.note] if evaluation_set.folds.note else []), *notes]) or None
        trials = trials_of(self._learners().values(), self._run, logistic, "study", now())
        folds, first_ms, last_ms = len(evaluation_set.folds.splits), int(times[0]), int(times[-1])
        return StudyResult(tuple(rows), candles, folds, first_ms, last_ms, note, trials, axis)

    def _learners(self) -> dict[tuple[ModelType, int], Learner]:
        """Return every learner by type and seed."""
        run = self._run
        return {
            (kind, seed): run.learner(kind, run.models.trained_with(seed=seed))
            for kind in run.learners
            for seed in self._seeds_of(kind)
        }

    def _walks(
        self, listener: TellProgress, folder: Path | None, now: Callable[[], datetime]
    ) -> tuple[dict[tuple[ModelType, int], Walk], list[str]]:
        """Return every walk by type and seed, read from the folder or computed, and what is to be said of it."""
        run, learners = self._run, self._learners()
        marks = {key: fingerprint(learner, run.evaluation_set, run.markets) for key, learner in learners.items()}
        paths = {key: walk_path(folder, *key, marks[key]) for key in learners} if folder else {}
        found = {key: load_walk(path, marks[key]) for key, path in paths.items()}
        walks = {key: walk for key, walk in found.items() if walk is not None}
        missing = [key for key in learners if key not in walks]
        refused = sorted({str(key[0]) for key in missing if folder and has_others(folder, *key)})
        what = "whose stored predictions are of other candles, folds or settings and stay as they are"
        notes = [f"Trained anew: {', '.join(refused)}, {what}."] if refused else []
        folds = len(run.evaluation_set.folds.splits)
        progress = Progress({kind: folds * count for kind, count in Counter(k for k, _ in missing).items()}, listener)
        for key in missing:
            started = process_time()
            (predictions,) = walk_forward({key[0]: learners[key]}, run.evaluation_set, progress).values()
            walks[key] = Walk(predictions, process_time() - started, now())
            if folder:
                save_walk(paths[key], walks[key], marks[key])
        progress.stage("judging")
        return walks, notes

    def _seeds_of(self, kind: ModelType) -> tuple[int, ...]:
        return self._seeds if ARCHITECTURES[kind].is_network else self._seeds[:1]

    def _rows(self, kind: ModelType, walks: Sequence[Walk], logistic: OutOfSample) -> list[StudyRow]:
        against = None if kind is ModelType.LOGISTIC else logistic
        settings = settings_digest(self._run.learners[kind]) if len(walks) == 1 else None
        rows = [self._row(kind, self._judged(walk.predictions), against, walk, settings) for walk in walks]
        if len(rows) == 1:
            return rows
        together = self._judged(mean_predictions([walk.predictions for walk in walks]))
        seeds = len(rows)
        spent = Walk((), sum(walk.cpu_seconds for walk in walks), max(walk.made_at for walk in walks))
        return [
            mean_row(f"{kind}, one seed of {seeds}", rows),
            self._row(f"{kind}, mean of {seeds} seeds", together, against, spent),
        ]

    def _combined(self, members: Mapping[ModelType, Sequence[FoldPrediction]]) -> dict[str, tuple[FoldPrediction, ...]]:
        evaluation_set, models = self._run.evaluation_set, self._run.models
        calibrated = [calibrated_predictions(by_fold, evaluation_set, models) for by_fold in members.values()]
        return {
            f"mean of {len(members)}": mean_predictions(calibrated),
            f"ensemble of {len(members)}": ensemble_predictions(members, evaluation_set, models),
        }

    def _judged(self, predictions: Sequence[FoldPrediction]) -> OutOfSample:
        return judged(predictions, self._run.evaluation_set, self._run.models)

    def _row(
        self,
        name: str,
        pooled: OutOfSample,
        logistic: OutOfSample | None,
        walk: Walk | None = None,
        settings: str | None = None,
    ) -> StudyRow:
        gate = self._run.gate
        compared = gate.compare(name, pooled, "logistic regression", logistic) if logistic else None
        spent, made_at = (walk.cpu_seconds, walk.made_at) if walk else (None, None)
        return StudyRow(name, pooled.scores(gate.resampling), compared, spent, made_at, settings, pooled)
