"""The guards that a signal has to pass."""

from __future__ import annotations

from domain.values import Frozen


class Gate(Frozen):
    """One guard of an analysis, and how near it was.

    Attributes:
        name: Such as `fresh_data` or `cooldown`.
        passed: Whether a directional signal may pass.
        value: What was measured; None where nothing can be.
        needed: The bound that it is held against; None where there is none.
    """

    name: str
    passed: bool
    value: float | None
    needed: float | None
