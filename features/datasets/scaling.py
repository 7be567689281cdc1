"""Scaling of features: fitted on training rows, stored as JSON, applied by numpy alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Self

import numpy as np
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from config.errors.needs import named_need_of
from config.settings import ScalerKind
from domain.arrays import BoolArray, FloatArray, IntArray
from domain.errors import FeatureMismatch, InsufficientData

Finite = Annotated[float, Field(allow_inf_nan=False)]

_EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Scaler:
    """The scaling of one feature set: `(value - offset) / scale` per column.

    `offset` and `scale` are mean and standard deviation (`standard`), or minimum and range
    (`minmax`), in the unit of their column. The scale of a column that was constant in training is 0.
    """

    kind: ScalerKind
    feature_set_id: str
    columns: tuple[str, ...]
    offset: tuple[Finite, ...]
    scale: tuple[Annotated[Finite, Field(ge=0)], ...]

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if not len(self.columns) == len(set(self.columns)) == len(self.offset) == len(self.scale):
            raise ValueError("needs one offset and one scale for each column, and no column twice")
        return self

    @staticmethod
    def from_json(text: str) -> Scaler:
        """Return the scaler that `to_json` wrote.

        Raises:
            FeatureMismatch: the text is not the JSON of a scaler.
        """
        try:
            return _JSON.validate_json(text)
        except ValidationError as error:
            raise FeatureMismatch(f"the scaler's JSON is unusable: {named_need_of(error.errors()[0])}") from None

    def to_json(self) -> str:
        """Return the scaler as JSON, from which every number is read back exactly."""
        return _JSON.dump_json(self, indent=2).decode()

    def require(self, columns: Sequence[str]) -> None:
        """Refuse columns that are not the fitted ones in the fitted order.

        Raises:
            FeatureMismatch: names the columns that are missing, unknown or out of place.
        """
        given = tuple(columns)
        if given == self.columns:
            return
        problems = [
            f"{word} {', '.join(names[:5])}{' …' if len(names) > 5 else ''}"
            for word, names in (
                ("missing", [name for name in self.columns if name not in given]),
                ("unknown", [name for name in given if name not in self.columns]),
                ("repeated", [name for at, name in enumerate(given) if name in given[:at]]),
            )
            if names
        ]
        if not problems:
            at = next(i for i, pair in enumerate(zip(given, self.columns, strict=True)) if pair[0] != pair[1])
            problems = [f"column {at} is {given[at]} where {self.columns[at]} belongs"]
        raise FeatureMismatch(
            f"these are not the {len(self.columns)} columns of feature set {self.feature_set_id} "
            f"that the scaler was fitted on: {'; '.join(problems)}"
        )

    def apply(self, values: FloatArray, columns: Sequence[str]) -> FloatArray:
        """Return the values scaled; nothing is clipped, NaN stays NaN.

        A column that was constant in training becomes 0 for any value: the model has learned
        nothing about it, and the raw value would reach it unscaled.

        Args:
            values: Shape (..., columns), in the units of the columns.
            columns: Names of the last axis.

        Raises:
            FeatureMismatch: other columns, or another order, than fitted.
        """
        self.require(columns)
        if values.shape[-1] != len(self.columns):
            raise FeatureMismatch(f"{len(self.columns)} columns are named, but the values have {values.shape[-1]}")
        offset, divisor, constant = self._arrays
        scaled: FloatArray = values - offset
        scaled /= divisor
        # Not set to 0: that would hide a missing value.
        scaled[..., constant] *= 0.0
        return scaled

    @cached_property
    def _arrays(self) -> tuple[FloatArray, FloatArray, IntArray]:
        scale = np.array(self.scale, dtype=np.float64)
        return np.array(self.offset, dtype=np.float64), np.where(scale == 0.0, 1.0, scale), np.flatnonzero(scale == 0.0)


_JSON = TypeAdapter(Scaler)


def fit_scaler(kind: ScalerKind, values: FloatArray, columns: Sequence[str], feature_set_id: str) -> Scaler:
    """Return the scaler of the training rows; other rows would leak the future into every feature.

    Args:
        kind: `standard` gives mean 0 and standard deviation 1, `minmax` the range 0..1.
        values: Shape (n, columns), n >= 1, finite.
        columns: Names of the columns, in order.
        feature_set_id: Id of the feature set, kept with the numbers.

    Raises:
        InsufficientData: no row.
        ValueError: a value that is not finite; the message names its column.

    Source: `sklearn.preprocessing.StandardScaler` (population deviation) and `MinMaxScaler`, rules
    for constant columns included. Computed here since importing scikit-learn costs 140 MB.
    """
    if not len(values):
        raise InsufficientData("a scaler needs training rows, received none")
    finite: BoolArray = np.logical_and.reduce(np.isfinite(values), axis=0)
    if not finite.all():
        names = [name for name, good in zip(columns, finite, strict=True) if not good]
        raise ValueError(f"a scaler is fitted on cleaned rows; these columns are not finite: {', '.join(names)}")
    if kind == "standard":
        offset, scale = values.mean(axis=0), values.std(axis=0)
        constant = _constant(offset, scale, len(values))
    else:
        offset = values.min(axis=0)
        scale = values.max(axis=0) - offset
        constant = scale < 10 * _EPSILON
    scale = np.where(constant, 0.0, scale)
    return Scaler(
        kind=kind,
        feature_set_id=feature_set_id,
        columns=tuple(columns),
        offset=tuple(offset.tolist()),
        scale=tuple(scale.tolist()),
    )


def _constant(mean: FloatArray, deviation: FloatArray, rows: int) -> BoolArray:
    """Return which deviations are only rounding errors of a mean over equal values."""
    variance = deviation**2
    bound: BoolArray = variance <= rows * _EPSILON * variance + (rows * mean * _EPSILON) ** 2
    return bound
