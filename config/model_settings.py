"""Settings of the models: sizes, training, evaluation, serving. Lengths are in candles, shares are fractions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from config.section import Count, Seconds, Section, Switch
from config.watch_settings import DriftSettings
from domain.forecasting import ModelType

Dropout = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, lt=1)]
CostBps = Annotated[float, Field(ge=0, lt=5_000)]
CalibrationKind = Literal["sigmoid", "isotonic", "none"]
KerasBackend = Literal["tensorflow", "jax"]
NativeFormat = Literal["keras", "h5"]
Pooling = Literal["average", "last"]


class LearningSettings(Section):
    """How long a network learns: early stopping and the reduction of the learning rate count epochs.

    `rate` is the initial learning rate; None: `TrainingSettings.learning_rate`.
    """

    epochs: Count
    patience_epochs: Count
    rate: Positive | None = None
    rate_factor: Share
    rate_patience_epochs: Count


class RecurrentSettings(Section):
    """LSTM and GRU: the same stack with different cells."""

    units: Annotated[tuple[Count, ...], Field(min_length=1)]
    batch_normalization: bool
    dropout: Dropout
    dense_units: tuple[Count, ...]
    dense_dropout: Dropout
    learning: LearningSettings


class TransformerSettings(Section):
    """The encoder normalizes each row; `batch_normalization` is that of the dense layers after it.

    `pooling` selects which of the encoder's rows the dense layers read: their average, or the last.
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
    learning: LearningSettings


class PatchTSTSettings(Section):
    """Horizons in candles: 15 minutes, 1, 4 and 12 hours on 15m candles."""

    sequence_length: Count
    patch_length: Count
    patch_stride: Count
    width: Count
    blocks: Count
    heads: Count
    feed_forward_width: Count
    dropout: Dropout
    horizons_candles: Annotated[tuple[Count, ...], Field(min_length=4, max_length=4)]
    learning: LearningSettings


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


# A share of right answers above which one does not believe them.
Suspicious = Annotated[float, Field(gt=0.5, le=1)]


class EvaluationSettings(Section):
    """How a candidate is judged: on the newest rows, fold after fold, each row once.

    Above `suspicious_accuracy` or `suspicious_auc` out of sample it is not promoted: its features tell the future.
    Fee and slippage, in hundredths of a percent of the traded amount, are those of the equity curve.
    """

    folds: Count
    test_share: Share
    validation_share: Share
    calibration: CalibrationKind
    bootstrap_samples: Annotated[int, Field(ge=200)]
    bootstrap_block: Count
    min_test_windows: Count
    suspicious_accuracy: Suspicious
    suspicious_auc: Suspicious
    fee_bps: CostBps
    slippage_bps: CostBps


class ServingSettings(Section):
    """Concurrent forecasts share a run of the model: at most `max_batch` windows, waiting at most `max_wait_ms`."""

    max_batch: Count
    max_wait_ms: Annotated[float, Field(ge=0, le=100)]
    long_probability: Annotated[float, Field(gt=0.5, lt=1)]
    short_probability: Annotated[float, Field(gt=0, lt=0.5)]
    reload_seconds: Seconds


class ModelSettings(Section):
    save_path: Annotated[str, Field(min_length=1)]
    shipped: Switch
    shipped_path: Annotated[str, Field(min_length=1)]
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
    recurrent: RecurrentSettings
    transformer: TransformerSettings
    patchtst: PatchTSTSettings
    random_forest: TreeSettings
    xgboost: BoostingSettings
    lightgbm: LightGBMSettings
    logistic_inverse_regularization: Positive

    @model_validator(mode="before")
    @classmethod
    def _backups_are_versions(cls, values: Any) -> Any:
        """Take `backup_count`, the other name of `keep_versions`."""
        if isinstance(values, dict) and "backup_count" in values:
            values = dict(values)
            values["keep_versions"] = values.pop("backup_count")
        return values

    def trained_with(
        self, *, epochs: int | None = None, seed: int | None = None, backend: KerasBackend | None = None
    ) -> ModelSettings:
        """Return the settings with other epochs of every network, another seed or backend; None keeps a value.

        Args:
            epochs: 1 or more.
            seed: 0 or more.
            backend: Backend of Keras.
        """
        training = {"seed": seed, "keras_backend": backend}
        changed: dict[str, Section] = {
            "training": self.training.model_copy(update={key: to for key, to in training.items() if to is not None})
        }
        if epochs is not None:
            for name, section in self:
                if learning := getattr(section, "learning", None):
                    learning = learning.model_copy(update={"epochs": epochs})
                    changed[name] = section.model_copy(update={"learning": learning})
        return self.model_copy(update=changed)
