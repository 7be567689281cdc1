"""The named feature sets: `standard` for most models, `led` for LightGBM, `wide` for PatchTST; `extended` for none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from types import MappingProxyType

import numpy as np

from domain.arrays import IntArray
from features.columns.column import Column
from features.columns.extended import extended_columns
from features.columns.leader import led_columns
from features.columns.standard import standard_columns
from features.columns.wide import wide_columns

# Models carry the id of their set. Ids once were hashes of the wording of definitions too: these sets keep
# the id of the models that were trained then.
EARLIER_IDS: Mapping[str, str] = MappingProxyType({"8c481a95a02a": "21da1d4e6e02", "bfe3336c1f2f": "0ddb1e6fdb86"})


@dataclass(frozen=True)
class FeatureSet:
    """Ordered columns under a name.

    A model belongs to one `id`: with other columns, another order or other parameters its
    inputs would have another meaning.
    """

    name: str
    columns: tuple[Column, ...]

    @cached_property
    def id(self) -> str:
        """First 12 digits of the SHA-256 of names, neutral values, warm-ups and parameters, in order."""
        parts = [
            [
                column.name,
                column.neutral,
                column.own_warm_up,
                column.factor,
                [[needed.family.name, *needed.parameters] for needed in column.needs],
            ]
            for column in self.columns
        ]
        found = sha256(json.dumps(parts).encode()).hexdigest()[:12]
        return EARLIER_IDS.get(found, found)

    @cached_property
    def warm_up(self) -> int:
        """Rows at the start of which some column is NaN."""
        return max(column.warm_up for column in self.columns)

    @cached_property
    def history(self) -> int:
        """Candles from which the newest row equals that of any longer history, within 1e-6."""
        return max(column.history for column in self.columns)

    @cached_property
    def leader_places(self) -> IntArray:
        """Places of the columns that read the candles of the leading market."""
        return np.flatnonzero([column.of_leader for column in self.columns])

    @cached_property
    def of_leader(self) -> FeatureSet:
        """The columns that the leading market gives to this set, as columns of its own; maybe none."""
        own = (replace(column, of_leader=False) for column in self.columns if column.of_leader)
        return FeatureSet(f"{self.name} of the leader", tuple(own))


STANDARD = FeatureSet("standard", standard_columns())
LED = FeatureSet("led", led_columns())
EXTENDED = FeatureSet("extended", extended_columns())
WIDE = FeatureSet("wide", wide_columns())
FEATURE_SETS: Mapping[str, FeatureSet] = MappingProxyType(
    {known.name: known for known in (STANDARD, LED, EXTENDED, WIDE)}
)
