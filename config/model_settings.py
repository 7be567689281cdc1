"""Settings of the models: trees, training, evaluation, serving. Lengths are in candles, shares are fractions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from config.network_settings import (
    PatchTSTSettings,
    RecipesSettings,
    RecurrentSettings,
    TransformerSettings,
)
from config.section import Count, NotNegative, Part, Positive, Seconds, Section, SomeShare, Switch, over
from config.watch_settings import DriftSettings, EvaluationSettings, RecalibrationSettings
from domain.forecasting import ModelType

KerasBackend = Literal["tensorflow", "jax"]
NativeFormat = Literal["keras", "h5"]
RecipeName = Literal["tuned", "specified"]


class TreeSettings(Section):
    trees: Count
    max_depth: Count
    min_samples_leaf: Count


class BoostingSettings(TreeSettings):
    """`trees` is the greatest number of rounds; they end after `patience_rounds` without a lower validation loss."""

    learning_rate: Part
    patience_rounds: Count


class LightGBMSettings(BoostingSettings):
    """Every tree reads `feature_share` of the columns and `bagging_share` of the rows, drawn anew."""

    leaves: Annotated[int, Field(ge=2, le=1_024)]
    feature_share: SomeShare
    bagging_share: SomeShare
    l2: NotNegative


class TrainingSettings(Section):
    """One run of training; the seed makes it repeatable, `threads` limits its CPU cores."""

    min_candles: Annotated[int, Field(ge=160)]
    history_candles: Annotated[int, Field(ge=160)]
    keras_backend: KerasBackend
    batch_size: Count
    learning_rate: Positive
    seed: Annotated[int, Field(ge=0)]
    threads: Count
    native_format: NativeFormat


class ServingSettings(Section):
    """Concurrent forecasts share a run of the model: at most `max_batch` windows, waiting at most `max_wait_ms`."""

    max_batch: Count
    max_wait_ms: Annotated[float, Field(ge=0, le=100)]
    long_probability: Annotated[float, Field(gt=0.5, lt=1)]
    short_probability: Annotated[float, Field(gt=0, lt=0.5)]
    reload_seconds: Seconds


class ModelSettings(Section):
    """What the recipe says of a network stands in `target_threshold`, `recurrent`, `transformer` and `patchtst`.

    A value that is given there itself, in a file of one's own or the environment, goes before that of the recipe.
    """

    recipe: RecipeName
    recipes: RecipesSettings
    save_path: Annotated[str, Field(min_length=1)]
    shipped: Switch
    shipped_path: Annotated[str, Field(min_length=1)]
    further_horizons_candles: tuple[Count, ...]
    keep_versions: Count
    auto_retrain: Switch
    retrain_interval_hours: Annotated[float, Field(ge=1, allow_inf_nan=False)]
    retrain_min_candles: Count
    shadow_forecasts: Annotated[int, Field(ge=0, le=100_000)]
    shadow_margin: Annotated[float, Field(ge=0, lt=0.25)]
    shadow_max_days: Annotated[int, Field(ge=1, le=366)]
    default_type: ModelType
    ensemble_members: Annotated[tuple[ModelType, ...], Field(min_length=2)]
    training: TrainingSettings
    evaluation: EvaluationSettings
    serving: ServingSettings
    drift: DriftSettings
    recalibration: RecalibrationSettings
    target_threshold: Annotated[float, Field(ge=0, lt=1)]
    recurrent: RecurrentSettings
    transformer: TransformerSettings
    patchtst: PatchTSTSettings
    random_forest: TreeSettings
    xgboost: BoostingSettings
    lightgbm: LightGBMSettings
    logistic_penalty: Positive

    @model_validator(mode="before")
    @classmethod
    def _backups_are_versions(cls, values: Any) -> Any:
        """Take `backup_count`, the other name of `keep_versions`."""
        if isinstance(values, dict) and "backup_count" in values:
            values = dict(values)
            values["keep_versions"] = values.pop("backup_count")
        return values

    @model_validator(mode="before")
    @classmethod
    def _follow_the_recipe(cls, values: Any) -> Any:
        """Fill in what the recipe says and the settings do not."""
        recipes, name = (values.get("recipes"), values.get("recipe")) if isinstance(values, dict) else (None, None)
        recipe = recipes.get(name) if isinstance(recipes, Mapping) else None
        return over(recipe, values) if isinstance(recipe, Mapping) else values

    def by_recipe(self, name: RecipeName) -> ModelSettings:
        """Return the settings with another recipe, in place of the values that were given over this one too."""
        return self.model_copy(update={"recipe": name, **dict(getattr(self.recipes, name))})

    def trained_with(
        self, *, epochs: int | None = None, seed: int | None = None, backend: KerasBackend | None = None
    ) -> ModelSettings:
        """Return the settings with other epochs of every network, another seed or backend; None keeps a value.

        Args:
            epochs: 1 or more.
            seed: 0 or more.
            backend: Backend of Keras.
        """
        given = {key: to for key, to in (("seed", seed), ("keras_backend", backend)) if to is not None}
        changed: dict[str, Section] = {"training": self.training.model_copy(update=given)}
        if epochs is not None:
            for name, section in self:
                if learning := getattr(section, "learning", None):
                    learning = learning.model_copy(update={"epochs": epochs})
                    changed[name] = section.model_copy(update={"learning": learning})
        return self.model_copy(update=changed)
