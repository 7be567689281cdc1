"""Turns of the keys: one is used within its spacing by one replica alone."""

from __future__ import annotations

from config.llm_settings import LlmSettings
from services.llm.calling.key_ring import KeyRing
from services.llm.sharing import LlmSharing


class KeyTurns:
    """Gives out keys of the ring that no other replica uses at the moment."""

    def __init__(self, ring: KeyRing, sharing: LlmSharing, settings: LlmSettings) -> None:
        """Take turns of the keys of these settings; without keys, of the endpoint."""
        named = [f"{settings.base_url} {key.get_secret_value()}" for key in settings.keys] or [settings.base_url]
        self._ids = dict(enumerate(named, 1))
        self._ring = ring
        self._sharing = sharing
        self._seconds = settings.spacing_seconds

    async def acquire(self) -> int | None:
        """Return the number of a key that no replica has used within its spacing, or None."""
        while (number := self._ring.acquire()) is not None and self._seconds:
            left = await self._sharing.turn(self._ids[number], self._seconds)
            if not left:
                break
            self._ring.hand_back(number, left)
        return number

    async def look(self) -> None:
        """Take note of the keys that other replicas use."""
        if not self._seconds:
            return
        waits = await self._sharing.turns(list(self._ids.values()))
        for number, left in zip(self._ids, waits, strict=True):
            if left:
                self._ring.used_elsewhere(number, left)
