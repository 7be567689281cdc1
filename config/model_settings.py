"""Settings of the models: sizes, training, evaluation, serving. Lengths are in candles, shares are fractions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from config.section import Count, Seconds, Section, Switch, over
from config.watch_settings import DriftSettings, EvaluationSettings, RecalibrationSettings
from domain.forecasting import ModelType

Dropout = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, lt=1)]
KerasBackend = Literal["tensorflow", "jax"]
NativeFormat = Literal["keras", "h5"]
Pooling = Literal["average", "last"]
Schedule = Literal["plateau", "cosine"]
HorizonWeights = Literal["equal", "unique"]
RecipeName = Literal["tuned", "specified"]
_PLATEAU = ("rate_factor", "rate_patience_epochs")


class LearningSettings(Section):
    """How a network learns: for how long, and how far at each update; see `models.training.learning_rate`.

    `rate` None is `TrainingSettings.learning_rate`. With the schedule `plateau` it is the initial learning rate,
    multiplied by `rate_factor` after `rate_patience_epochs` without a lower validation loss. With `cosine` it is the
    highest one of a training of `rate_updates` updates, reached after the share `warm_up_share` of them.
    """

    epochs: Count
    patience_epochs: Count
    rate: Positive | None = None
    schedule: Schedule
    rate_factor: Share | None = None
    rate_patience_epochs: Count | None = None
    rate_updates: Count | None = None
    warm_up_share: Share | None = None

    @model_validator(mode="after")
    def _has_what_its_schedule_needs(self) -> Self:
        needed = ("rate_updates", "warm_up_share") if self.schedule == "cosine" else _PLATEAU
        if missing := [name for name in needed if getattr(self, name) is None]:
            raise PydanticCustomError(
                "incomplete_schedule", f"the schedule {self.schedule} needs {' and '.join(missing)} too"
            )
        return self


class HeadSettings(Section):
    """What the answers of a network read besides its blocks, and how many coefficients they may have.

    With `newest_row` they read the newest candle's features themselves too. `head_penalty` is the L1 penalty of their
    coefficients, in slopes of the loss that chance alone would reach (`models.architectures.blocks`); 0 for none.
    """

    newest_row: bool
    head_penalty: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class RecurrentSettings(HeadSettings):
    """LSTM and GRU: the same stack with different cells."""

    units: Annotated[tuple[Count, ...], Field(min_length=1)]
    batch_normalization: bool
    dropout: Dropout
    dense_units: tuple[Count, ...]
    dense_dropout: Dropout
    learning: LearningSettings


class TransformerSettings(HeadSettings):
    """The encoder normalizes each row; `batch_normalization` is that of the dense layers after it.

    `pooling` selects which of the encoder's rows the dense layers read: their average, or the last. What comes of it is
    multiplied by `encoder_scale`: below 1 it is penalized the more, and learns the more slowly, beside the newest row.
    """

    width: Count
    blocks: Count
    heads: Count
    head_width: Count
    feed_forward_width: Count
    dropout: Dropout
    pooling: Pooling
    batch_normalization: bool
    dense_units: tuple[Count, ...]
    dense_dropouts: tuple[Dropout, ...]
    encoder_scale: Annotated[float, Field(gt=0, le=1)]
    learning: LearningSettings


class PatchTSTSettings(HeadSettings):
    """Horizons in candles: 15 minutes, 1, 4 and 12 hours on 15m candles.

    `horizon_weights` are those of the horizons in the loss: `unique` for 1 / candles, since longer ones overlap.
    `direction_weight` is that of the cross-entropy of rise and fall in the loss, in which all moves count alike.
    """

    sequence_length: Count
    patch_length: Count
    patch_stride: Count
    width: Count
    blocks: Count
    heads: Count
    feed_forward_width: Count
    dropout: Dropout
    horizon_weights: HorizonWeights
    direction_weight: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    horizons_candles: Annotated[tuple[Count, ...], Field(min_length=4, max_length=4)]
    learning: LearningSettings


class RecipeSettings(Section):
    """What a recipe says of the networks; `target_threshold` is the forward return at which their target is 0 or 1."""

    target_threshold: Annotated[float, Field(ge=0, lt=1)]
    recurrent: RecurrentSettings
    transformer: TransformerSettings
    patchtst: PatchTSTSettings


class RecipesSettings(Section):
    tuned: RecipeSettings
    specified: RecipeSettings


class TreeSettings(Section):
    trees: Count
    max_depth: Count
    min_samples_leaf: Count
    learning_rate: Share


class BoostingSettings(TreeSettings):
    """`trees` is the greatest number of rounds; they end after `patience_rounds` without a lower validation loss."""

    patience_rounds: Count


class LightGBMSettings(BoostingSettings):
    """Every tree reads `feature_share` of the columns and `bagging_share` of the rows, drawn anew."""

    leaves: Annotated[int, Field(ge=2, le=1_024)]
    feature_share: Annotated[float, Field(gt=0, le=1)]
    bagging_share: Annotated[float, Field(gt=0, le=1)]
    l2: Annotated[float, Field(ge=0, allow_inf_nan=False)]


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
