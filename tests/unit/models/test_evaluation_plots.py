"""The pictures: real PNG files of a readable size, for any predictions."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from config.model_settings import ServingSettings
from domain.errors import InsufficientData
from domain.trading.costs import Costs
from models.evaluation.equity import backtest
from models.evaluation.plots import FoldBars, Subject, write_equity, write_reliability, write_search
from tests.fixtures.forecasts import truth
from tests.fixtures.histories import START_MS
from tests.fixtures.settings import configured

COUNT = 600
TIMES_MS = START_MS + 3_600_000 * np.arange(COUNT)
SUBJECT = Subject("lstm_model_20240601_120000", "BTCUSDT", "1h")
TRUTH, RETURNS = truth(COUNT)


def size_of(path: Path) -> tuple[int, ...]:
    """Return width and height in pixels from a PNG's header."""
    header = path.read_bytes()[:24]
    assert header.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", header[16:])


@pytest.mark.parametrize("probability", [TRUTH, np.full(COUNT, 0.52), np.where(TRUTH > 0.5, 0.999, 0.001)])
def test_reliability_of_any_predictions_is_drawn(tmp_path: Path, probability: np.ndarray) -> None:
    path = tmp_path / "reliability.png"
    write_reliability(path, probability, RETURNS, TIMES_MS, SUBJECT)
    assert size_of(path) == (1080, 900)


def test_without_a_known_return_there_is_nothing_to_draw(tmp_path: Path) -> None:
    with pytest.raises(InsufficientData, match="no prediction with a known return"):
        write_reliability(tmp_path / "reliability.png", TRUTH, np.full(COUNT, np.nan), TIMES_MS, SUBJECT)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("growth", [0.0, 0.02, -0.02])
def test_equity_of_any_market_is_drawn(tmp_path: Path, growth: float) -> None:
    path = tmp_path / "equity.png"
    opens = 100.0 * np.cumprod(1.0 + RETURNS / 10 + growth)
    write_equity(
        path, backtest(TRUTH, opens, TIMES_MS, Costs(fee_bps=5, slippage_bps=2), configured(ServingSettings)), SUBJECT
    )
    assert size_of(path) == (1080, 900)


def test_a_model_that_lost_everything_is_drawn_too(tmp_path: Path) -> None:
    opens = np.r_[np.ones(300), np.full(300, 3.0)]
    result = backtest(
        np.full(COUNT, 0.1), opens, TIMES_MS, Costs(fee_bps=5, slippage_bps=2), configured(ServingSettings)
    )
    assert result.equity[-1] == 0.0
    write_equity(tmp_path / "equity.png", result, SUBJECT)
    assert size_of(tmp_path / "equity.png") == (1080, 900)


def test_the_title_names_model_market_and_days() -> None:
    title = SUBJECT.title(TIMES_MS, "600 predictions")
    assert title == "lstm_model_20240601_120000, BTCUSDT 1h, 2023-11-15 to 2023-12-09\n600 predictions"


@pytest.mark.parametrize("trials", [[], [0.4], [0.4, -1.0, 2.5]])
def test_a_search_of_any_number_of_trials_is_drawn(tmp_path: Path, trials: list[float]) -> None:
    path = tmp_path / "search.png"
    folds = [
        FoldBars("2022-01-01\nto 2022-04-01", 2.0, -0.5, 0.3),
        FoldBars("2022-04-01\nto 2022-07-01", 1.0, 0.0, 0.0),
    ]
    write_search(path, folds, trials, 0.4, "rules, BTCUSDT 1h")
    assert size_of(path) == (1080, 900)
