"""Settings of the networks: their sizes, how they learn, and the recipes. Lengths are in candles, shares fractions."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from config.section import Count, NotNegative, Part, Positive, Section, SomeShare

Dropout = Annotated[float, Field(ge=0, lt=1)]
Pooling = Literal["average", "last"]
Schedule = Literal["plateau", "cosine"]
HorizonWeights = Literal["equal", "unique"]
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
    rate_factor: Part | None = None
    rate_patience_epochs: Count | None = None
    rate_updates: Count | None = None
    warm_up_share: Part | None = None

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
    head_penalty: NotNegative


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
    encoder_scale: SomeShare
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
    direction_weight: NotNegative
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
