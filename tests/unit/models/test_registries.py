"""Which registry is meant: by target and horizon, or by the name of a version."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.settings import Settings
from config.sources import load_settings
from domain.errors import InvalidRequest, ModelNotFound
from models.registry.registries import PLANS, USUAL, Registries, RegistryKey, key_of, settings_at
from models.registry.registry import Registry
from tests.fixtures.models import add_model
from tests.fixtures.plan_models import serve_plan_model

FOUR, TWELVE = RegistryKey(horizon=4), RegistryKey(horizon=12)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    own = {"save_path": str(tmp_path / "models"), "shipped": False, "further_horizons_candles": [4, 12]}
    return load_settings(environment={}, overrides={"models": own})


def test_a_horizon_or_plans_name_a_registry(settings: Settings) -> None:
    asked = [key_of(settings, None, horizon) for horizon in (None, 1, 4, 12)]
    assert [*asked, key_of(settings, "plan")] == [USUAL, USUAL, FOUR, TWELVE, PLANS]
    assert list(Registries(settings)) == [USUAL, FOUR, TWELVE, PLANS]
    with pytest.raises(InvalidRequest, match="no models of 5 candles ahead are asked; horizons are 1, 4, 12"):
        key_of(settings, "close", 5)
    with pytest.raises(InvalidRequest, match="plans have their own time limit"):
        key_of(settings, "plan", 4)


def test_each_registry_has_its_folder_and_its_horizon(settings: Settings) -> None:
    four = settings_at(settings, FOUR)
    assert (four.features.horizon_candles, four.models.shipped_path) == (4, "models/default/horizons/4")
    roots = [Path(settings_at(settings, key).models.save_path) for key in (USUAL, FOUR, PLANS)]
    assert [str(root.relative_to(roots[0])) for root in roots] == [".", "horizons/4", "plans"]
    assert settings_at(settings.model_copy(update={"models": settings.models}), PLANS).models.shipped is False


def test_a_version_is_found_wherever_it_is_and_the_usual_horizon_goes_first(settings: Settings) -> None:
    registries = Registries(settings)
    ahead = add_model(registries.at(FOUR), horizon_candles=4).version
    plan = serve_plan_model(Registry(Path(settings.models.save_path)), 0.4)
    assert (registries.holder(ahead), registries.holder(plan)) == (FOUR, PLANS)
    assert add_model(registries.at(USUAL)).version == ahead  # both were made in the same second
    assert registries.holder(ahead) == USUAL
    assert registries.holder(ahead, 4) == FOUR
    with pytest.raises(ModelNotFound, match=f"there is no version {ahead} of 12 candles ahead"):
        registries.holder(ahead, 12)
    with pytest.raises(ModelNotFound):
        registries.holder("gru_model_20260131_120000")
    for name in ("../x", "horizons/4"):
        with pytest.raises(InvalidRequest, match="is not the name of a version"):
            registries.holder(name)


def test_what_is_old_is_deleted_in_every_registry_or_in_one(settings: Settings) -> None:
    registries = Registries(settings)
    for key in (USUAL, FOUR):
        for seed in range(3):
            add_model(registries.at(key), seed=seed, horizon_candles=key.horizon or 1)
    assert len(registries.prune(2, (FOUR,)).deleted) == 1
    assert [len(registries.at(key).versions().models) for key in (USUAL, FOUR)] == [3, 2]
    pruned = registries.prune(1)
    assert (len(pruned.deleted), len(pruned.kept)) == (3, 2)
    assert not registries.at(TWELVE).root.exists()  # where nothing was trained, nothing is made
