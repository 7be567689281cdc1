"""The named feature sets: `standard` for most models, `extended` for boosters of one row, `wide` for PatchTST."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from types import MappingProxyType

from features.columns.column import Column
from features.columns.extended import extended_columns
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


STANDARD = FeatureSet("standard", standard_columns())
EXTENDED = FeatureSet("extended", extended_columns())
WIDE = FeatureSet("wide", wide_columns())
FEATURE_SETS: Mapping[str, FeatureSet] = MappingProxyType({known.name: known for known in (STANDARD, EXTENDED, WIDE)})
