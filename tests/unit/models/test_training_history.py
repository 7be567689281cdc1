"""The course of a training as it is kept: its best epoch, few points of many, and how it is shown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from commands.tables.training import learned
from models.architectures.fitted import EpochProgress
from models.registry.training_history import MAX_POINTS, history_of

LOSSES = st.lists(st.floats(0.01, 2.0), min_size=1, max_size=700)


def course(losses: list[float], planned: int | None = None) -> list[EpochProgress]:
    count = planned or len(losses)
    return [EpochProgress(at, count, loss / 2, loss, 0.0, 0.001) for at, loss in enumerate(losses, 1)]


@given(LOSSES)
def test_few_points_of_many_with_the_first_the_best_and_the_last(losses: list[float]) -> None:
    history = history_of(course(losses), "epoch")
    assert history is not None
    numbers = [point.number for point in history.points]
    assert len(numbers) <= MAX_POINTS
    assert numbers == sorted(set(numbers))
    assert {1, history.best, len(losses)} <= set(numbers)
    assert history.best_point.validation_loss == min(losses)
    assert all(point.validation_loss == losses[point.number - 1] for point in history.points)
    assert len(numbers) >= min(len(losses), MAX_POINTS - 1)


def test_a_library_without_epochs_has_none() -> None:
    assert history_of([], "epoch") is None


def test_the_table_names_the_best_epoch_and_the_early_stop() -> None:
    history = history_of(course([0.7, 0.65, 0.6, 0.62, 0.68], planned=100), "epoch")
    assert history is not None
    console = Console(width=100)
    with console.capture() as captured:
        console.print(learned(history))
    shown = captured.get()
    assert "5 of 100 epochs" in shown
    assert "3 *" in shown
    assert "validation loss █▅▁▂▇" in " ".join(shown.split())
