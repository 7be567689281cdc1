"""The recipes of networks: what each says, which one is in force, and what goes before both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from config.model_settings import ModelSettings
from config.sources import load_settings
from domain.errors import ConfigurationError

NETWORKS = ("recurrent", "transformer", "patchtst")

# Of the specification: FR-AI-001 to FR-AI-003 for the networks, FR-AI-008 for the target.
RECURRENT = {
    "units": (64, 32, 16),
    "batch_normalization": True,
    "dropout": 0.2,
    "dense_units": (32, 16),
    "dense_dropout": 0.1,
    "newest_row": False,
    "head_penalty": 0.0,
}
TRANSFORMER = {
    "width": 64,
    "blocks": 2,
    "heads": 4,
    "head_width": 64,
    "feed_forward_width": 128,
    "dropout": 0.2,
    "pooling": "average",
    "batch_normalization": True,
    "dense_units": (64, 32),
    "dense_dropouts": (0.2, 0.1),
    "encoder_scale": 1.0,
    "newest_row": False,
    "head_penalty": 0.0,
}
PATCHTST = {
    "sequence_length": 96,
    "patch_length": 16,
    "patch_stride": 8,
    "width": 192,
    "blocks": 4,
    "heads": 8,
    "feed_forward_width": 512,
    "dropout": 0.2,
    "newest_row": False,
    "horizon_weights": "equal",
    "direction_weight": 0.0,
    "head_penalty": 0.0,
    "horizons_candles": (1, 4, 16, 48),
}


def plateau(patience: int, factor: float, rate_patience: int) -> dict[str, Any]:
    """Return how a network of the specification learns."""
    given = {"schedule": "plateau", "rate_factor": factor, "rate_patience_epochs": rate_patience}
    return {
        "epochs": 100,
        "patience_epochs": patience,
        "rate": None,
        "rate_updates": None,
        "warm_up_share": None,
    } | given


def models(environment: dict[str, str] | None = None, **overrides: Any) -> ModelSettings:
    return load_settings(environment=environment or {}, overrides={"models": overrides}).models


def test_specified_has_the_values_of_the_specification() -> None:
    found = models(recipe="specified")
    assert found.target_threshold == 0.005
    assert found.recurrent.model_dump() == RECURRENT | {"learning": plateau(10, 0.5, 5)}
    assert found.transformer.model_dump() == TRANSFORMER | {"learning": plateau(15, 0.2, 7)}
    assert found.patchtst.model_dump() == PATCHTST | {"learning": plateau(15, 0.2, 7)}
    assert (found.training.learning_rate, found.training.batch_size) == (0.001, 32)


def test_tuned_is_in_force_by_default() -> None:
    found = models()
    assert found.recipe == "tuned"
    for name in (*NETWORKS, "target_threshold"):
        assert getattr(found, name) == getattr(found.recipes.tuned, name)
        assert getattr(found, name) != getattr(found.recipes.specified, name)
    assert {getattr(found, name).learning.schedule for name in NETWORKS} == {"cosine"}


@pytest.mark.parametrize("recipe", ["tuned", "specified"])
def test_a_value_of_ones_own_goes_before_the_recipe_and_changes_nothing_else(recipe: str) -> None:
    own = {"MODELS__RECIPE": recipe, "MODELS__RECURRENT__UNITS": "8,4", "MODELS__TRANSFORMER__LEARNING__EPOCHS": "3"}
    found, plain = models(own), models(recipe=recipe)
    assert found.recurrent == plain.recurrent.model_copy(update={"units": (8, 4)})
    assert found.transformer.learning == plain.transformer.learning.model_copy(update={"epochs": 3})
    assert (found.patchtst, found.target_threshold) == (plain.patchtst, plain.target_threshold)


def test_a_recipe_itself_can_be_changed(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("models: {recipes: {tuned: {recurrent: {units: [5]}}, specified: {recurrent: {units: [6]}}}}")
    for recipe, units in (("tuned", (5,)), ("specified", (6,))):
        assert models({"CONFIG_FILE": str(own)}, recipe=recipe).recurrent.units == units


def test_an_unknown_recipe_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(
        ConfigurationError, match=r"^MODELS__RECIPE: models\.recipe: .*'tuned' or 'specified', received \w+$"
    ):
        models({"MODELS__RECIPE": "secret"})


def test_a_mistake_in_the_recipe_that_is_not_in_force_is_refused_too() -> None:
    name = "MODELS__RECIPES__SPECIFIED__RECURRENT__DROPOUT"
    with pytest.raises(ConfigurationError, match=rf"^{name}: models\.recipes\.specified\.recurrent\.dropout: "):
        models({name: "2"})


def test_a_schedule_without_its_numbers_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="the schedule plateau needs rate_factor and rate_patience_epochs too"):
        models({"MODELS__RECURRENT__LEARNING__SCHEDULE": "plateau"})


def test_settings_read_back_from_their_dump_are_the_same() -> None:
    found = models(recurrent={"units": [9]})
    assert ModelSettings.model_validate(found.model_dump(mode="json")) == found
    assert found.by_recipe("specified").recurrent == models(recipe="specified").recurrent
