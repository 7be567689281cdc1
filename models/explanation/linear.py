"""What each input of a logistic regression adds to its log odds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from domain.arrays import FloatArray, RealArray


@dataclass(frozen=True)
class LinearTerms:
    """Coefficients of scaled inputs, shape (columns,): an input adds its coefficient times its value."""

    coefficients: FloatArray

    @property
    def columns(self) -> int:
        """Number of inputs."""
        return int(self.coefficients.size)

    def arrays(self) -> Mapping[str, RealArray]:
        """Return what it consists of."""
        return {"coefficients": self.coefficients}

    def contributions(self, row: RealArray) -> FloatArray:
        """Return coefficient times value of each input, shape (columns,); see `Explanation.contributions`."""
        terms: FloatArray = self.coefficients * row.astype(np.float64)
        return terms
