"""Distribution of a version's features in training: bins, and distances of stretches of it from the whole."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from zipfile import BadZipFile

import numpy as np

from domain.arrays import Float32Array, FloatArray
from domain.errors import ModelCorrupt
from models.drift.distances import bin_edges, kolmogorov_smirnov, population_stability, shares

REFERENCE_FILE = "reference.npz"
BINS = 10
# The distance of a distribution from a sample of as many quantiles is exact to half a percent.
QUANTILES = 250
# Stretches of the training rows that are compared with the whole, at most.
MAX_STRETCHES = 40
_MIN_STRETCHES = 4
_ARRAYS = ("columns", "edges", "shares", "quantiles", "usual_psi", "usual_ks", "rows")


@dataclass(frozen=True)
class TrainingReference:
    """Distribution of each feature in the training rows, in single precision.

    Attributes:
        columns: The features, c of them.
        edges: Edges of ten bins of equal probability, shape (c, 9); +inf where a bin is not needed.
        shares: Share of the training rows in each bin, shape (c, 10).
        quantiles: Values of the training rows at evenly spaced ranks, shape (c, 250), ascending.
        usual_psi: Greatest population stability index of any stretch of the training rows, shape (c,).
        usual_ks: Greatest distance of any such stretch, shape (c,), as `kolmogorov_smirnov`.
        rows: Length of these stretches in rows; what is compared later has to be as long.
    """

    columns: tuple[str, ...]
    edges: Float32Array
    shares: FloatArray
    quantiles: Float32Array
    usual_psi: FloatArray
    usual_ks: FloatArray
    rows: int

    @classmethod
    def of(cls, rows: FloatArray, columns: Sequence[str], stretch: int) -> TrainingReference:
        """Measure training rows.

        Neighboring rows are alike, since their windows overlap: a stretch of 300 hours may hold two independent values
        of a slow average, and is far from the whole without any change of the market. No p-value for independent rows
        knows that. So stretches of the training rows themselves, as long as what is compared later, tell how far is
        usual. A stretch is a part of the whole; its distance is enlarged to that from the other rows: by 1 / (1 - w)
        for a share w of the rows, and by its square where the distance is quadratic.

        Args:
            rows: Of training, cleaned and unscaled, shape (n, c), finite, n >= 4, in their order.
            columns: Names of the features.
            stretch: Rows to compare later; at most a quarter of the training rows is taken.
        """
        count = len(rows)
        length = min(stretch, count // _MIN_STRETCHES)
        single = rows.astype(np.float32)
        ordered = np.sort(single, axis=0).T
        ranks = ((np.arange(QUANTILES) + 0.5) * count / QUANTILES).astype(np.int64)
        edges = np.stack([bin_edges(values, BINS) for values in ordered])
        expected = np.stack([shares(values, own) for values, own in zip(ordered, edges, strict=True)])
        quantiles = np.ascontiguousarray(ordered[:, ranks])
        usual_psi, usual_ks = np.zeros(len(columns)), np.zeros(len(columns))
        starts = np.linspace(0, count - length, min(MAX_STRETCHES, 2 * count // length - 1)).astype(np.int64)
        for start in starts:
            psi, ks = _distances(single[start : start + length], edges, expected, quantiles)
            usual_psi, usual_ks = np.maximum(usual_psi, psi), np.maximum(usual_ks, ks)
        others = 1.0 - length / count
        return cls(
            columns=tuple(columns),
            edges=edges,
            shares=expected,
            quantiles=quantiles,
            usual_psi=usual_psi / others**2,
            usual_ks=np.minimum(1.0, usual_ks / others),
            rows=length,
        )

    def distances(self, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return population stability index and KS distance of each feature, both of shape (c,).

        Args:
            rows: Of now, unscaled, shape (n, c), finite, n >= 1.
        """
        return _distances(rows.astype(np.float32), self.edges, self.shares, self.quantiles)

    def dump(self) -> bytes:
        """Return it as an npz without pickles."""
        buffer = io.BytesIO()
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        np.savez_compressed(buffer, **{**arrays, "columns": np.array(self.columns), "rows": np.array(self.rows)})
        return buffer.getvalue()

    @classmethod
    def load(cls, content: bytes) -> TrainingReference:
        """Return the reference of `dump`.

        Raises:
            ModelCorrupt: the content is not what `dump` wrote.
        """
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as file:
                stored = {name: file[name] for name in _ARRAYS}
            columns, length = tuple(map(str, stored.pop("columns"))), int(stored.pop("rows"))
        except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
            raise ModelCorrupt(f"a {REFERENCE_FILE} that cannot be read: {error}") from error
        count = len(columns)
        needed = {
            "edges": (count, BINS - 1),
            "shares": (count, BINS),
            "quantiles": (count, QUANTILES),
            "usual_psi": (count,),
            "usual_ks": (count,),
        }
        if length < 1 or {name: values.shape for name, values in stored.items()} != needed:
            raise ModelCorrupt(f"a {REFERENCE_FILE} of other shapes than {needed}")
        return cls(columns=columns, rows=length, **stored)


def _distances(
    rows: Float32Array, edges: Float32Array, expected: FloatArray, quantiles: Float32Array
) -> tuple[FloatArray, FloatArray]:
    ordered = np.sort(rows, axis=0).T
    psi = [population_stability(e, shares(now, own)) for now, own, e in zip(ordered, edges, expected, strict=True)]
    ks = [kolmogorov_smirnov(then, now) for then, now in zip(quantiles, ordered, strict=True)]
    return np.array(psi), np.array(ks)
