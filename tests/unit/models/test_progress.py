"""The progress of a training run: its share, and the seconds that are left."""

from __future__ import annotations

import pytest

from domain.forecasting import ModelType
from domain.jobs import JobProgress
from models.architectures.fitted import EpochProgress
from models.training.progress import Progress
from tests.fixtures.clocks import SettableClock

LSTM, LOGISTIC, TREES = ModelType.LSTM, ModelType.LOGISTIC, ModelType.XGBOOST
EPOCHS = 10


class Run:
    """A training run whose fits take what a test says."""

    def __init__(self, planned: dict[ModelType, int]) -> None:
        self.clock = SettableClock()
        self.told: list[JobProgress] = []
        self.progress = Progress(planned, self.told.append, self.clock.monotonic)

    def fit(self, kind: ModelType, seconds: float, epochs: int = 0) -> list[float | None]:
        """Fit once, in epochs or in none; return the seconds left at each report from the first epoch on."""
        before = len(self.told) + 1
        with self.progress.fit(f"fit: {kind}", kind) as report:
            for done in range(1, epochs + 1):
                self.clock.advance(seconds / epochs)
                report(EpochProgress(done, EPOCHS, 1.0, 1.0, seconds / epochs * (EPOCHS - done), 0.001))
            if not epochs:
                self.clock.advance(seconds)
        return [told.seconds_left for told in self.told[before:]]


def test_nothing_is_known_before_the_first_epoch_and_nothing_is_left_at_the_end() -> None:
    run = Run({LSTM: 1})
    assert run.fit(LSTM, 100.0, EPOCHS) == pytest.approx([90, 80, 70, 60, 50, 40, 30, 20, 10, 0, 0])
    run.progress.stage("judging")
    assert run.told[0].seconds_left is None
    assert (run.told[-1].share, run.told[-1].seconds_left) == (1.0, 0.0)


def test_every_architecture_takes_its_own_time() -> None:
    """A network takes 100 s, the others one: half of the fits done is not half of the time."""
    run = Run({LSTM: 3, LOGISTIC: 3, TREES: 3})
    run.fit(LSTM, 100.0, EPOCHS)
    run.fit(LOGISTIC, 1.0)
    assert run.fit(TREES, 1.0) == pytest.approx([204.0])
    # The second network ends early: half of its time is left, and what the first took for the third.
    assert run.fit(LSTM, 50.0, 5)[:5] == pytest.approx([90 + 104, 80 + 104, 70 + 104, 60 + 104, 50 + 104])
    run.fit(LOGISTIC, 1.0)
    assert run.fit(TREES, 1.0) == pytest.approx([50 + 1 + 1])
    assert run.told[-1].share == pytest.approx(6 / 9)


def test_an_architecture_to_come_takes_as_long_as_the_mean_of_the_others() -> None:
    run = Run({LSTM: 1, TREES: 2})
    assert run.fit(LSTM, 100.0, EPOCHS)[0] == pytest.approx(90 + 2 * 100)


def test_an_early_stop_of_the_fits_before_is_foreseen() -> None:
    run = Run({LSTM: 2})
    run.fit(LSTM, 20.0, 2)
    # Ten epochs of 10 s are planned, and the one before took 20 s.
    assert run.fit(LSTM, 20.0, 2) == pytest.approx([10.0, 80.0, 0.0])


def test_a_fit_without_epochs_tells_the_time_once_it_has_ended() -> None:
    run = Run({LOGISTIC: 3})
    assert [run.fit(LOGISTIC, 2.0) for _ in range(3)] == [[4.0], [2.0], [0.0]]
    assert [told.seconds_left for told in run.told] == [None, 4.0, 4.0, 2.0, 2.0, 0.0]


def test_a_run_without_fits_has_nothing_left() -> None:
    run = Run({})
    run.progress.stage("judging")
    assert run.told[-1].seconds_left == 0.0
