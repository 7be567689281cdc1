"""Recalibrations of versions: what was fitted on settled forecasts, how it was judged, and which one is in force."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Annotated

from pydantic import AwareDatetime, Field

from config.section import Count
from domain.forecasting import VersionName
from domain.naming.symbols import SymbolName
from domain.values import Frozen, epoch_ms
from models.evaluation.calibration import Calibration
from models.evaluation.gate import Comparison

# Of a version; older refusals are forgotten, since no forecast was made by them.
MAX_REFUSED = 12


class Recalibration(Frozen):
    """A calibration that was fitted on settled forecasts of a version, and whether it was taken.

    It is applied to the probability that the version's own calibration, that of its training, gives.

    Attributes:
        at: When it was judged: from then on it is in force, if it was taken.
        taken: Whether it predicted better than the calibration that was in force.
        reason: Why, in words, with the figures.
        pooled: Of every symbol that is not in `symbols`.
        symbols: Of each symbol with forecasts, between its own and the pooled one.
        first_ms: Close of the first candle of the forecasts, epoch ms.
        last_ms: Close of the last one.
        fitted: Older settled forecasts, on which what was judged was fitted.
        judged: Newer ones that it was judged on; what was taken has then been fitted on both.
        comparison: Brier score on the latter, beside that of the calibration in force.
    """

    at: AwareDatetime
    taken: bool
    reason: Annotated[str, Field(min_length=1)]
    pooled: Calibration
    symbols: dict[SymbolName, Calibration]
    first_ms: int
    last_ms: int
    fitted: Count
    judged: Count
    comparison: Comparison

    @cached_property
    def at_ms(self) -> int:
        """`at` in epoch ms, by which forecasts and entries of the ledger name it."""
        return epoch_ms(self.at)

    def of(self, symbol: str) -> Calibration:
        """Return the calibration of a symbol."""
        return self.symbols.get(symbol, self.pooled)


class Recalibrations(Frozen):
    """The recalibrations of every version that has some, oldest first: the content of `recalibrations.json`."""

    versions: dict[VersionName, tuple[Recalibration, ...]] = Field(default_factory=dict)

    def of(self, version: str) -> tuple[Recalibration, ...]:
        """Return those of a version, refused ones included, oldest first."""
        return self.versions.get(version, ())

    def in_force(self, version: str) -> Recalibration | None:
        """Return the one by which a version serves; None by the calibration of its training alone."""
        return next((one for one in reversed(self.of(version)) if one.taken), None)

    def at(self, moment: datetime) -> Recalibrations:
        """Return those that were known at a moment."""
        then = {version: tuple(one for one in own if one.at <= moment) for version, own in self.versions.items()}
        return Recalibrations(versions=then)

    def added(self, version: str, new: Recalibration) -> Recalibrations:
        """Return them with another one; those that were taken stay, since replays depend on them."""
        own = (*self.of(version), new)
        refused = [one for one in own if not one.taken][:-MAX_REFUSED]
        kept = tuple(one for one in own if one not in refused)
        return Recalibrations(versions={**self.versions, version: kept})
