"""What the next training of a pooled model repeats of the version before, and what is of today."""

from __future__ import annotations

from typing import Any

import pytest

from config.settings import Settings
from config.sources import load_settings
from domain.errors import ModelUnusable
from domain.forecasting import ANY_SYMBOL
from models.registry.metadata import ModelMetadata
from services.training.repeating import repeated
from tests.fixtures.models import make_metadata

MARKETS = ("BTCUSDT", "ETHUSDT")


def settings(**models: Any) -> Settings:
    return load_settings(environment={}, overrides={"models": models})


def version(trained_with: Settings) -> ModelMetadata:
    """Return a pooled version as a training with these settings registers it."""
    left_out = {"recipes", "save_path", "keep_versions", "serving", "default_type"}
    models = trained_with.models.model_dump(mode="json", exclude=left_out)
    made = make_metadata(
        symbol=ANY_SYMBOL, settings={"models": models, "features": trained_with.features.model_dump(mode="json")}
    )
    assert made.data is not None
    return made.model_copy(update={"data": made.data.model_copy(update={"markets": MARKETS})})


def test_markets_and_settings_of_the_training_are_repeated_and_the_gate_is_that_of_today() -> None:
    before = settings(recurrent={"units": [7]}, training={"seed": 5}, evaluation={"folds": 2}, keep_versions=9)
    today = settings(recurrent={"units": [64]}, training={"seed": 6}, evaluation={"folds": 4}, keep_versions=3)
    found = repeated(version(before), today.models, today.features)
    assert found.markets == MARKETS
    assert (found.models.recurrent.units, found.models.training.seed) == ((7,), 5)
    assert (found.models.evaluation, found.models.keep_versions) == (today.models.evaluation, 3)
    assert found.features == before.features


def test_a_key_that_has_come_since_has_the_value_of_today() -> None:
    made, today = version(settings()), settings(training={"threads": 3})
    del made.settings["models"]["training"]["threads"]
    assert repeated(made, today.models, today.features).models.training.threads == 3


def test_settings_of_earlier_releases_that_nothing_read_are_left_out() -> None:
    made, today = version(settings()), settings()
    made.settings["features"].update(validation_share=0.15, test_share=0.15, embargo_candles=0)
    made.settings["models"]["random_forest"].update(trees=30, learning_rate=0.05)
    found = repeated(made, today.models, today.features)
    assert (found.features, found.models.random_forest.trees) == (today.features, 30)


def test_a_version_from_before_there_were_recipes_is_trained_as_it_was() -> None:
    made = version(settings(recipe="specified", recurrent={"units": [7]}))
    models, features = made.settings["models"], made.settings["features"]
    features["target_threshold"] = 0.001
    for key in ("recipe", "target_threshold"):
        del models[key]
    for network in ("recurrent", "transformer", "patchtst"):
        for key in ("schedule", "rate_updates", "warm_up_share"):
            del models[network]["learning"][key]
        for key in ("newest_row", "head_penalty"):
            del models[network][key]
    for key in ("horizon_weights", "direction_weight"):
        del models["patchtst"][key]
    today = settings()
    found = repeated(made, today.models, today.features).models
    before = settings(recipe="specified", recurrent={"units": [7]}, target_threshold=0.001).models
    assert (found.recipe, found.target_threshold) == ("specified", 0.001)
    for network in ("recurrent", "transformer", "patchtst"):
        assert getattr(found, network) == getattr(before, network)


def test_settings_and_markets_that_are_not_known_are_refused_by_name() -> None:
    today, made = settings(), version(settings())
    assert made.data is not None
    for changes, words in (
        ({"data": None}, "does not tell the markets"),
        ({"data": made.data.model_copy(update={"markets": ()})}, "does not tell the markets"),
        ({"settings": {}}, "are those of another release"),
        ({"settings": made.settings | {"models": {"dropout_of_2020": 1}}}, "are those of another release"),
    ):
        with pytest.raises(ModelUnusable, match=f"{made.version} .*|{words}") as refused:
            repeated(made.model_copy(update=changes), today.models, today.features)
        assert words in refused.value.message
