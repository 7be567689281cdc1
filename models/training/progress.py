"""Progress of a training run: the share done over all its fits, and the current epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from domain.jobs import JobProgress
from models.architectures.fitted import EpochProgress, Report

Listener = Callable[[JobProgress], None]


class Progress:
    """Counts the fits of a run and reports to a listener after every epoch and every fit."""

    def __init__(self, fits: int, listener: Listener) -> None:
        """Start the clock of a run.

        Args:
            fits: Number of models that are fitted, >= 1; each counts as the same share.
            listener: Called in the thread that trains.
        """
        self._fits = fits
        self._done = 0
        self._listener = listener
        self._started = monotonic()

    def stage(self, name: str) -> None:
        """Report a stage between the fits."""
        self._tell(name, self._done / self._fits)

    @contextmanager
    def fit(self, name: str) -> Iterator[Report]:
        """Count one fit; the yielded function takes its epochs."""
        self.stage(name)

        def report(epoch: EpochProgress) -> None:
            self._tell(name, (self._done + epoch.epoch / epoch.epochs) / self._fits, epoch)

        yield report
        self._done += 1
        self.stage(name)

    def _tell(self, stage: str, share: float, epoch: EpochProgress | None = None) -> None:
        elapsed = monotonic() - self._started
        self._listener(
            JobProgress(
                stage=stage,
                share=min(1.0, share),
                epoch=epoch.epoch if epoch else None,
                epochs=epoch.epochs if epoch else None,
                loss=epoch.loss if epoch else None,
                validation_loss=epoch.validation_loss if epoch else None,
                seconds_left=elapsed / share * (1.0 - share) if share > 0 else None,
            )
        )
