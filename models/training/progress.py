"""Progress of a training run: the share done over all its fits, the current epoch, and the time that is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from statistics import fmean
from time import monotonic

from domain.forecasting import ModelType
from domain.jobs import JobProgress, TellProgress
from models.architectures.fitted import EpochProgress, Report


class Progress:
    """Counts the fits of a run and reports to a listener after every epoch and every fit.

    The time left is estimated by architecture, since a network takes a hundred times as long as a logistic regression:
    a fit takes as long as the one before of its architecture, the first one as its epochs say, and architectures still
    to come as long as the mean of the others. It is unknown until an epoch or a fit has ended.
    """

    def __init__(
        self, planned: Mapping[ModelType, int], listener: TellProgress, clock: Callable[[], float] = monotonic
    ) -> None:
        """Plan a run.

        Args:
            planned: Number of fits by architecture; each counts as the same share.
            listener: Called in the thread that trains.
            clock: Seconds that never jump back.
        """
        self._waiting = dict(planned)
        self._fits = max(1, sum(planned.values()))
        self._done = 0
        self._seconds: dict[ModelType, float] = {}
        self._listener = listener
        self._clock = clock

    def stage(self, name: str) -> None:
        """Report a stage between the fits."""
        self._tell(name, self._done / self._fits, self._rest(self._seconds))

    @contextmanager
    def fit(self, name: str, kind: ModelType) -> Iterator[Report]:
        """Count one fit of an architecture; the yielded function takes its epochs."""
        self.stage(name)
        self._waiting[kind] -= 1
        started = self._clock()

        def report(epoch: EpochProgress) -> None:
            elapsed = self._clock() - started
            usual = self._seconds.get(kind, 0.0) - elapsed
            # No early stop is foreseen in the first fit, nor in one that takes longer than the one before.
            left = min(usual, epoch.seconds_left) if usual > 0 else epoch.seconds_left
            rest = self._rest({kind: elapsed + left} | self._seconds)
            self._tell(name, (self._done + epoch.epoch / epoch.epochs) / self._fits, left + (rest or 0.0), epoch)

        yield report
        self._seconds[kind] = self._clock() - started
        self._done += 1
        self.stage(name)

    def _rest(self, known: Mapping[ModelType, float]) -> float | None:
        """Return the seconds that the fits to come will take, None while nothing is known.

        Args:
            known: Seconds of a fit by architecture.
        """
        waiting = {kind: count for kind, count in self._waiting.items() if count}
        if not waiting:
            return 0.0
        if not known:
            return None
        return sum(count * known.get(kind, fmean(known.values())) for kind, count in waiting.items())

    def _tell(self, stage: str, share: float, seconds_left: float | None, epoch: EpochProgress | None = None) -> None:
        self._listener(
            JobProgress(
                stage=stage,
                share=min(1.0, share),
                epoch=epoch.epoch if epoch else None,
                epochs=epoch.epochs if epoch else None,
                loss=epoch.loss if epoch else None,
                validation_loss=epoch.validation_loss if epoch else None,
                seconds_left=seconds_left,
            )
        )
