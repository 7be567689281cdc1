"""Settings of the models: sizes, training, judgement, serving. Lengths are in candles, shares are fractions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from config.section import Count, Seconds, Section
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

    `rate` is where that begins; None: as `TrainingSettings.learning_rate`.
    """

    epochs: Count = 100
    patience_epochs: Count = 10
    rate: Positive | None = None
    rate_factor: Share = 0.5
    rate_patience_epochs: Count = 5


class RecurrentSettings(Section):
    """LSTM and GRU: the same stack, with another cell."""

    units: Annotated[tuple[Count, ...], Field(min_length=1)] = (64, 32, 16)
    batch_normalization: bool = True
    dropout: Dropout = 0.2
    dense_units: tuple[Count, ...] = (32, 16)
    dense_dropout: Dropout = 0.1
    learning: LearningSettings = LearningSettings()


class TransformerSettings(Section):
    """The encoder normalizes each row; `batch_normalization` is that of the dense layers after it.

    Of the encoder's rows, the dense layers are given the average, or the last.
    """

    width: Count = 64
    blocks: Count = 2
    heads: Count = 4
    head_width: Count = 64
    feed_forward_width: Count = 128
    dropout: Dropout = 0.2
    pooling: Pooling = "average"
    batch_normalization: bool = True
    dense_units: tuple[Count, ...] = (64, 32)
    dense_dropouts: tuple[Dropout, ...] = (0.2, 0.1)
    learning: LearningSettings = LearningSettings(patience_epochs=15, rate_factor=0.2, rate_patience_epochs=7)


class PatchTSTSettings(Section):
    """Horizons in candles: 15 minutes, 1, 4 and 12 hours on 15m candles."""

    sequence_length: Count = 96
    patch_length: Count = 16
    patch_stride: Count = 8
    width: Count = 192
    blocks: Count = 4
    heads: Count = 8
    feed_forward_width: Count = 512
    dropout: Dropout = 0.2
    horizons_candles: Annotated[tuple[Count, ...], Field(min_length=4, max_length=4)] = (1, 4, 16, 48)
    learning: LearningSettings = LearningSettings(patience_epochs=15, rate_factor=0.2, rate_patience_epochs=7)


class TreeSettings(Section):
    trees: Count = 100
    max_depth: Count = 6
    min_samples_leaf: Count = 50
    learning_rate: Share = 0.05


class TrainingSettings(Section):
    """One run of training; the seed makes it repeatable, threads keep it from taking every core."""

    min_candles: Annotated[int, Field(ge=160)] = 160
    history_candles: Annotated[int, Field(ge=160)] = 20_000
    keras_backend: KerasBackend = "tensorflow"
    batch_size: Count = 32
    learning_rate: Positive = 0.001
    seed: Annotated[int, Field(ge=0)] = 20251
    threads: Count = 1
    native_format: NativeFormat = "keras"


class EvaluationSettings(Section):
    """How a candidate is judged: on the newest rows, fold after fold, each row once.

    Fee and slippage, in hundredths of a percent of what changes hands, are those of the equity curve.
    """

    folds: Count = 3
    test_share: Share = 0.3
    validation_share: Share = 0.15
    calibration: CalibrationKind = "sigmoid"
    bootstrap_samples: Annotated[int, Field(ge=200)] = 1000
    bootstrap_block: Count = 24
    min_test_windows: Count = 200
    fee_bps: CostBps = 10.0
    slippage_bps: CostBps = 2.0


class ServingSettings(Section):
    """Concurrent forecasts share a run of the model: at most `max_batch` windows, waiting at most `max_wait_ms`."""

    max_batch: Count = 64
    max_wait_ms: Annotated[float, Field(ge=0, le=100)] = 2.0
    long_probability: Annotated[float, Field(gt=0.5, lt=1)] = 0.6
    short_probability: Annotated[float, Field(gt=0, lt=0.5)] = 0.4
    reload_seconds: Seconds = 5


class ModelSettings(Section):
    save_path: Annotated[str, Field(min_length=1)] = "data/models"
    keep_versions: Count = 5
    default_type: ModelType = ModelType.LSTM
    ensemble_members: Annotated[tuple[ModelType, ...], Field(min_length=2)] = (
        ModelType.LSTM,
        ModelType.GRU,
        ModelType.TRANSFORMER,
        ModelType.XGBOOST,
        ModelType.LOGISTIC,
    )
    training: TrainingSettings = TrainingSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    serving: ServingSettings = ServingSettings()
    recurrent: RecurrentSettings = RecurrentSettings()
    transformer: TransformerSettings = TransformerSettings()
    patchtst: PatchTSTSettings = PatchTSTSettings()
    random_forest: TreeSettings = TreeSettings(trees=200, max_depth=8)
    xgboost: TreeSettings = TreeSettings(max_depth=3)
    logistic_inverse_regularization: Positive = 0.001

    def trained_with(
        self, *, epochs: int | None = None, seed: int | None = None, backend: KerasBackend | None = None
    ) -> ModelSettings:
        """Return the settings with other epochs of every network, another seed or backend; None keeps what is set.

        Args:
            epochs: 1 or more.
            seed: 0 or more.
            backend: Under Keras.
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
