"""Recalibrations: found where forecasts are too bold, shrunk by symbol, judged on newer forecasts, kept for replays."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from config.model_settings import ModelSettings
from domain.errors import ModelCorrupt
from models.evaluation.calibration import Calibration
from models.recalibration.fitting import LEAST_SLOPE, SettledForecasts, fit_lines
from models.recalibration.judging import RecalibrationGate
from models.recalibration.recalibration_file import RECALIBRATIONS_FILE, add_recalibration, read_recalibrations
from models.recalibration.records import MAX_REFUSED, Recalibration, Recalibrations
from models.registry.registry import Registry
from tests.fixtures.models import NOON, add_model
from tests.fixtures.settings import configured

pytest_plugins = ["tests.fixtures.registry"]
HOUR_MS = 3_600_000
NAMES = ("AAAUSDT", "BBBUSDT", "CCCUSDT")


def sigmoid(odds: np.ndarray) -> np.ndarray:
    shares: np.ndarray = 1 / (1 + np.exp(-odds))
    return shares


def stated(hours: int, slopes: tuple[float, ...], seed: int = 0, spread: float = 0.6) -> SettledForecasts:
    """Return forecasts of some symbols whose true log odds are slopes times the stated ones."""
    rng = np.random.default_rng(seed)
    rows = []
    for name, slope in zip(NAMES, slopes, strict=False):
        odds = rng.normal(0.0, spread, hours)
        rises = rng.random(hours) < sigmoid(slope * odds)
        rows += [
            (hour * HOUR_MS, name, float(p), bool(rose))
            for hour, (p, rose) in enumerate(zip(sigmoid(odds), rises, strict=True))
        ]
    return SettledForecasts.of(rows)


def test_the_slope_of_a_symbol_lies_between_its_own_and_that_of_all() -> None:
    forecasts = stated(8_000, (0.2, 0.6, 1.0))
    free, close, alike = (fit_lines(forecasts, deviation) for deviation in (10.0, 0.1, 0.001))
    own = [free.symbols[name].slope for name in NAMES]
    assert own == pytest.approx([0.2, 0.6, 1.0], abs=0.1)
    assert close.pooled.slope == pytest.approx(0.6, abs=0.05)
    for name, alone in zip(NAMES, own, strict=True):
        low, high = sorted((alone, close.pooled.slope))
        assert low <= close.symbols[name].slope <= high
        assert alike.symbols[name].slope == pytest.approx(alike.pooled.slope, abs=0.01)
    few = SettledForecasts.of([*rows_of(stated(8_000, (0.6,))), *((at, "BBBUSDT", 0.8, False) for at in range(5))])
    assert fit_lines(few, 0.1).symbols["BBBUSDT"].slope == pytest.approx(fit_lines(few, 0.1).pooled.slope, abs=0.05)


def rows_of(forecasts: SettledForecasts) -> list[tuple[int, str, float, bool]]:
    columns = forecasts.times_ms, forecasts.symbols, forecasts.probability, forecasts.up
    return [(int(at), forecasts.names[name], float(p), bool(up)) for at, name, p, up in zip(*columns, strict=True)]


def test_forecasts_that_are_wrong_are_flattened_and_not_turned_around() -> None:
    lines = fit_lines(stated(2_000, (-1.0,)), 0.1)
    assert lines.pooled.slope == lines.symbols["AAAUSDT"].slope == LEAST_SLOPE


@pytest.mark.parametrize("slope", [0.3, 1.0])
def test_it_is_taken_where_newer_forecasts_were_better_by_it_and_only_there(slope: float) -> None:
    gate = RecalibrationGate(configured(ModelSettings), 1, 1, HOUR_MS)
    found = gate.judge(stated(8_000, (slope,)), None, NOON)
    assert found.taken is (slope != 1.0)
    assert (found.fitted, found.judged) == (6_000, 2_000)
    assert (found.first_ms, found.last_ms) == (0, 7_999 * HOUR_MS)
    assert found.comparison.brier is not None
    assert found.comparison.against_brier is not None
    assert (found.comparison.brier < found.comparison.against_brier - 0.002) is found.taken
    assert ("It is taken" in found.reason) is found.taken
    # By then the first one is what the next has to beat.
    again = gate.judge(stated(8_000, (slope,), seed=1), found if found.taken else None, NOON)
    assert not again.taken


def test_as_many_forecasts_are_needed_as_an_interval_of_all_markets_takes() -> None:
    settings = configured(ModelSettings)
    assert RecalibrationGate(settings, 1, 1, HOUR_MS).needed == settings.recalibration.min_forecasts
    blocks = 8 * settings.evaluation.bootstrap_block
    assert RecalibrationGate(settings, 50, 1, HOUR_MS).needed == 50 * blocks / settings.recalibration.judged_share


def test_what_a_calibration_made_of_a_probability_can_be_undone() -> None:
    calibration = Calibration(kind="sigmoid", slope=0.4, intercept=-0.1)
    given = np.array([0.02, 0.3, 0.5, 0.97])
    back = [calibration.undo(float(p)) for p in calibration.apply(given)]
    assert back == pytest.approx(given, abs=1e-12)


def recalibration(hours: int, *, taken: bool = True) -> Recalibration:
    made = RecalibrationGate(configured(ModelSettings), 1, 1, HOUR_MS).judge(stated(2_000, (0.5,)), None, NOON)
    return made.model_copy(update={"at": NOON + timedelta(hours=hours), "taken": taken})


def test_taken_ones_are_kept_for_good_and_are_those_of_their_time() -> None:
    known = Recalibrations()
    for hour in range(40):
        known = known.added("lstm_model_20260131_120000", recalibration(hour, taken=hour % 10 == 0))
    own = known.of("lstm_model_20260131_120000")
    assert [one.at for one in own if one.taken] == [NOON + timedelta(hours=hour) for hour in (0, 10, 20, 30)]
    assert sum(not one.taken for one in own) == MAX_REFUSED
    then = known.at(NOON + timedelta(hours=25)).in_force("lstm_model_20260131_120000")
    now = known.in_force("lstm_model_20260131_120000")
    assert then is not None
    assert now is not None
    assert (then.at, now.at) == (NOON + timedelta(hours=20), NOON + timedelta(hours=30))
    assert known.at(NOON - timedelta(hours=1)).in_force("lstm_model_20260131_120000") is None


def test_the_file_is_written_once_for_each_decision_and_forgets_versions_that_are_gone(registry: Registry) -> None:
    version = add_model(registry).version
    first, second = recalibration(0), recalibration(1)
    assert read_recalibrations(registry.root) == Recalibrations()
    assert add_recalibration(registry, version, first, None)
    assert not add_recalibration(registry, version, second, None)  # another process was faster
    assert read_recalibrations(registry.root).of(version) == (first,)
    newer = [add_model(registry, created_at=NOON + timedelta(hours=hour)).version for hour in (1, 2)]
    registry.prune(1)
    assert add_recalibration(registry, newer[-1], second, None)
    assert list(read_recalibrations(registry.root).versions) == [newer[-1]]


def test_a_file_of_something_else_is_refused_by_name(registry: Registry) -> None:
    version = add_model(registry).version
    (registry.root / RECALIBRATIONS_FILE).write_text('{"versions": 5}')
    with pytest.raises(ModelCorrupt, match=r"recalibrations\.json is unusable"):
        read_recalibrations(registry.root)
    with pytest.raises(ModelCorrupt):
        add_recalibration(registry, version, recalibration(0), None)
