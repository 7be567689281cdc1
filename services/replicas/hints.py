"""Hints between replicas: something was changed in what they share, so look now and not at the next look."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from loguru import logger


class Hint(StrEnum):
    """What was changed; the store or the folder of models has the change itself."""

    MODELS = "models"
    SAFE_MODE = "safe_mode"
    DISABLED = "disabled"
    # The key names the market.
    GIVEN_SIDE = "given_side"
    EVIDENCE = "evidence"
    CACHE_CLEARED = "cache_cleared"
    # The key is symbol and timeframe, or a symbol and a space for all of its timeframes.
    CANDLES_FORGOTTEN = "candles_forgotten"


class Hints:
    """Carries hints to other replicas, and tells those who asked for them."""

    def __init__(self) -> None:
        """Begin without a way to other replicas."""
        self._send: Callable[[Hint, str], None] | None = None
        self._told: dict[Hint, list[Callable[[str], None]]] = {}

    def send_by(self, send: Callable[[Hint, str], None]) -> None:
        """Give hints to other replicas by this function, which neither waits nor raises."""
        self._send = send

    @property
    def carried(self) -> bool:
        """Whether there is a way to other replicas."""
        return self._send is not None

    def when(self, hint: Hint, act: Callable[[str], None]) -> None:
        """Call `act` with the key of each such hint of another replica; it does not wait."""
        self._told.setdefault(hint, []).append(act)

    def tell(self, hint: Hint, key: str = "") -> None:
        """Tell other replicas, if there is a way to them."""
        if self._send is not None:
            self._send(hint, key)

    def take(self, hint: Hint, key: str) -> None:
        """Act on a hint of another replica; without a key on all that it may be about."""
        for act in self._told.get(hint, ()):
            try:
                act(key)
            except ValueError:
                logger.bind(hint=hint.value).warning("a hint of another release of a replica is not understood")

    def catch_up(self) -> None:
        """Look at everything that can be looked at, since hints were missed."""
        for hint in (Hint.MODELS, Hint.SAFE_MODE, Hint.DISABLED, Hint.GIVEN_SIDE, Hint.EVIDENCE):
            self.take(hint, "")
