"""Two versions side by side."""

from __future__ import annotations

from dataclasses import dataclass

from models.registry.metadata import ModelMetadata


@dataclass(frozen=True)
class Figure:
    """A figure of two versions; the difference is the second less the first, None where one is unknown."""

    name: str
    first: float | None
    second: float | None

    @property
    def difference(self) -> float | None:
        """The second less the first."""
        return None if self.first is None or self.second is None else self.second - self.first


@dataclass(frozen=True)
class VersionComparison:
    """Two versions side by side. Only where `same_data` is true do scores rank them."""

    first: ModelMetadata
    second: ModelMetadata
    figures: tuple[Figure, ...]
    same_data: bool


def compare(first: ModelMetadata, second: ModelMetadata) -> VersionComparison:
    """Return two versions with every figure that either has."""
    ones, others = _figures(first), _figures(second)
    figures = tuple(Figure(name, ones.get(name), others.get(name)) for name in {**ones, **others})
    same = first.data is not None and (first.scope, first.horizon_candles, first.data) == (
        second.scope,
        second.horizon_candles,
        second.data,
    )
    return VersionComparison(first, second, figures, same_data=same)


def _figures(model: ModelMetadata) -> dict[str, float | None]:
    scores = model.metrics.model_dump(exclude={"intervals"}) if model.metrics else {}
    windows = model.data.training_windows if model.data else None
    plans = model.plans and {
        "plans_target_first": model.plans.target_first.mean,
        "plans_above_random_r": model.plans.above_random_r.mean,
    }
    return {**scores, **(plans or {}), "parameters": model.parameters, "training_windows": windows}
