"""Models in production are exchanged while they serve, and a broken one never takes the place of a good one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import numpy as np
import pytest

from domain.errors import AppError, ModelCorrupt, ModelNotFound
from domain.forecasting import ANY_SYMBOL, ModelType
from domain.market import Timeframe
from models.recalibration.recalibration_file import RECALIBRATIONS_FILE, add_recalibration
from models.registry.metadata import ModelMetadata
from models.registry.registry import Registry
from models.serving.loaded_models import LoadedModels
from tests.fixtures.models import NOON, add_ensemble, add_model, feature_rows
from tests.fixtures.recalibrated import recalibration

pytest_plugins = ["tests.fixtures.registry"]
H1 = Timeframe.H1
RELOAD_SECONDS = 5.0


class Serving:
    """Loaded models beside a clock that the test turns, and what could not be loaded."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.now = 100.0
        self.failures: list[tuple[str, AppError]] = []
        self.models = LoadedModels(
            registry, RELOAD_SECONDS, lambda version, error: self.failures.append((version, error)), lambda: self.now
        )

    def version(self, symbol: str = "BTCUSDT", *, later: bool = True) -> str | None:
        """Return the version that serves, after the next look at the registry."""
        self.now += RELOAD_SECONDS * later
        found = self.models.find(symbol, H1)
        return found.metadata.version if found else None

    def promote(self, model: ModelMetadata) -> str:
        self.registry.promote(model.version, by="gate", reason="better", at=NOON)
        return model.version


@pytest.fixture
def serving(registry: Registry) -> Serving:
    return Serving(registry)


def add(registry: Registry, hours: int = 0, kind: ModelType = ModelType.LSTM, **changes: object) -> ModelMetadata:
    return add_model(registry, kind, created_at=NOON + timedelta(hours=hours), **changes)


def damage(registry: Registry, version: str) -> Callable[[], object]:
    """Damage a version and return what repairs it."""
    file = registry.root / version / "model.onnx"
    content = file.read_bytes()
    file.write_bytes(content[:-1])
    return lambda: file.write_bytes(content)


def test_nothing_serves_until_something_is_promoted(registry: Registry, serving: Serving) -> None:
    assert serving.version() is None
    model = add(registry)
    assert serving.version() is None
    assert serving.promote(model) == serving.version() == model.version
    assert serving.version("ETHUSDT") is None
    assert serving.models.known_absent("ETHUSDT", H1)
    assert not serving.models.known_absent("BTCUSDT", H1)
    serving.now += RELOAD_SECONDS
    assert not serving.models.known_absent("ETHUSDT", H1)  # it is time to look again
    assert serving.models.loaded() == (model.version,)
    assert serving.failures == []


def test_the_registry_is_looked_at_every_few_seconds(registry: Registry, serving: Serving) -> None:
    first = serving.promote(add(registry))
    assert serving.version() == first
    second = serving.promote(add(registry, 1))
    assert serving.version(later=False) == first
    assert serving.version() == second
    registry.rollback("BTCUSDT", H1, reason="worse", at=NOON)
    assert serving.version() == first
    registry.rollback("BTCUSDT", H1, reason="worse", at=NOON)
    assert serving.version() is None
    assert serving.models.loaded() == ()


def test_what_is_loaded_is_kept(registry: Registry, serving: Serving) -> None:
    pooled = serving.promote(add(registry, symbol=ANY_SYMBOL))
    found = [serving.models.find(symbol, H1) for symbol in ("BTCUSDT", "ETHUSDT", "BTCUSDT")]
    serving.promote(add(registry, 1, symbol="ETHUSDT"))
    serving.now += RELOAD_SECONDS
    assert found[0] is not None
    assert all(forecaster is found[0] for forecaster in [*found, serving.models.find("BTCUSDT", H1)])
    assert serving.version("BTCUSDT") == pooled != serving.version("ETHUSDT")


def test_a_version_that_cannot_be_loaded_does_not_replace_one_that_serves(registry: Registry, serving: Serving) -> None:
    first = serving.promote(add(registry))
    assert serving.version() == first
    second = serving.promote(add(registry, 1))
    repair = damage(registry, second)
    assert [serving.version() for _ in range(3)] == [first] * 3
    [(version, error)] = serving.failures
    assert (version, type(error)) == (second, ModelCorrupt)
    repair()
    assert serving.version() == second
    # A new failure of the same version is told again.
    registry.rollback("BTCUSDT", H1, reason="worse", at=NOON)
    assert serving.version() == first
    damage(registry, first)
    assert serving.version() == first
    assert len(serving.failures) == 1  # it is in memory: the file is not needed


def test_after_a_restart_the_earlier_version_serves_in_place_of_a_broken_one(registry: Registry) -> None:
    first, second = (Serving(registry).promote(add(registry, hour)) for hour in range(2))
    repair = damage(registry, second)
    restarted = Serving(registry)
    assert [restarted.version() for _ in range(2)] == [first] * 2
    assert [version for version, _ in restarted.failures] == [second]
    repair()
    assert restarted.version() == second


def test_a_broken_version_without_an_earlier_one_is_reported_once(registry: Registry, serving: Serving) -> None:
    version = serving.promote(add(registry))
    repair = damage(registry, version)
    assert [serving.version() for _ in range(3)] == [None] * 3
    assert [serving.version(later=False) for _ in range(3)] == [None] * 3
    assert [version for version, _ in serving.failures] == [version]
    repair()
    assert serving.version(later=False) is None
    assert serving.version() == version


def test_a_version_that_is_gone_is_a_failure_like_others(registry: Registry, serving: Serving) -> None:
    first = serving.promote(add(registry))
    assert serving.version() == first
    second = serving.promote(add(registry, 1))
    (registry.root / second).rename(registry.root / "elsewhere")
    assert serving.version() == first
    assert isinstance(serving.failures[0][1], ModelNotFound)


def test_aliases_that_cannot_be_read_change_nothing(registry: Registry, serving: Serving) -> None:
    version = serving.promote(add(registry))
    assert serving.version() == version
    aliases = (registry.root / "aliases.json").read_bytes()
    (registry.root / "aliases.json").write_bytes(aliases[:-10])
    assert [serving.version() for _ in range(3)] == [version] * 3
    assert [what for what, _ in serving.failures] == ["aliases.json"]
    (registry.root / "aliases.json").write_bytes(aliases)
    second = serving.promote(add(registry, 1))
    assert serving.version() == second


def test_an_ensemble_with_a_broken_member_does_not_serve(registry: Registry, serving: Serving) -> None:
    members = add(registry), add(registry, 1, ModelType.GRU)
    first = serving.promote(members[0])
    assert serving.version() == first
    ensemble = serving.promote(add_ensemble(registry, (members[0], 0.5), (members[1], 0.5)))
    repair = damage(registry, members[1].version)
    assert serving.version() == first
    [(version, error)] = serving.failures
    assert version == ensemble
    assert members[1].version in error.message
    repair()
    assert serving.version() == ensemble


def test_a_version_in_use_outlives_its_exchange(registry: Registry, serving: Serving) -> None:
    serving.promote(add(registry))
    found = serving.models.find("BTCUSDT", H1)
    assert found is not None
    before = found.forecast(feature_rows(2)).probability_up
    assert serving.version() != serving.promote(add(registry, 1))
    assert serving.version() != found.metadata.version
    np.testing.assert_array_equal(found.forecast(feature_rows(2)).probability_up, before)


def test_no_request_goes_unanswered_while_models_are_exchanged(registry: Registry) -> None:
    models = [add(registry, hour, seed=hour) for hour in range(4)]
    serving = Serving(registry)
    promoted = [serving.promote(models[0])]
    loaded = LoadedModels(registry, 0.001, lambda version, error: serving.failures.append((version, error)))
    rows, done = feature_rows(1), Event()

    def ask() -> set[str]:
        seen = set()
        while not done.is_set():
            found = loaded.find("BTCUSDT", H1)
            assert found is not None
            assert 0.0 <= found.forecast(rows).probability_up[0] <= 1.0
            seen.add(found.metadata.version)
        return seen

    with ThreadPoolExecutor(4) as threads:
        asking = [threads.submit(ask) for _ in range(4)]
        try:
            for model in [*models[1:], *models[:-1]]:
                promoted.append(serving.promote(model))
        finally:
            done.set()
    assert set.union(*(thread.result() for thread in asking)) <= set(promoted)
    assert serving.failures == []
    found = loaded.find("BTCUSDT", H1)
    assert found is not None
    assert found.metadata.version in promoted


def test_every_version_in_production_is_listed(registry: Registry, serving: Serving) -> None:
    own = serving.promote(add(registry))
    pooled = serving.promote(add(registry, 1, symbol=ANY_SYMBOL, timeframe=Timeframe.H4))
    repair = damage(registry, pooled)
    assert serving.models.in_production() == {("BTCUSDT", H1): own, (ANY_SYMBOL, Timeframe.H4): pooled}
    assert serving.models.loaded() == ()
    assert serving.models.timeframes("BTCUSDT") == {H1, Timeframe.H4}
    assert serving.models.timeframes("ETHUSDT") == {Timeframe.H4}
    assert serving.models.find("ETHUSDT", Timeframe.H4) is None
    assert serving.models.in_production() == {("BTCUSDT", H1): own, (ANY_SYMBOL, Timeframe.H4): None}
    repair()
    serving.now += RELOAD_SECONDS
    assert serving.models.find("ETHUSDT", Timeframe.H4) is not None
    assert serving.models.in_production() == {("BTCUSDT", H1): own, (ANY_SYMBOL, Timeframe.H4): pooled}


def test_a_recalibration_is_taken_over_without_loading_anew(registry: Registry, serving: Serving) -> None:
    version = serving.promote(add(registry))
    assert serving.version() == version
    one = recalibration(NOON)
    assert add_recalibration(registry, version, one, None)
    plain = serving.models.find("BTCUSDT", H1)
    serving.now += RELOAD_SECONDS
    found = serving.models.find("BTCUSDT", H1)
    assert plain is not None
    assert found is not None
    assert (plain.recalibration, found.recalibration) == (None, one)
    assert serving.models.find("BTCUSDT", H1) is found
    rows = feature_rows(3)
    np.testing.assert_array_equal(found.forecast(rows).probability_up, plain.forecast(rows).probability_up)
    # A refusal changes nothing, and neither does a file that cannot be read.
    assert add_recalibration(registry, version, recalibration(NOON + timedelta(hours=1), taken=False), one)
    serving.now += RELOAD_SECONDS
    after = serving.models.find("BTCUSDT", H1)
    assert after is not None
    assert after.recalibration == one
    (registry.root / RECALIBRATIONS_FILE).write_text("{")
    for _ in range(3):
        assert serving.version() == version
    assert [name for name, _ in serving.failures] == [RECALIBRATIONS_FILE]
    still = serving.models.find("BTCUSDT", H1)
    assert still is not None
    assert still.recalibration == one
