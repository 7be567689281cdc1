"""Array types by their numbers; the docstring of a function has the shape."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
RealArray = NDArray[np.floating]  # single or double precision
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
