"""Decisions of an administrator on suggestions for the settings, and the lines of configuration that follow."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml
from loguru import logger
from pydantic import BaseModel, ValidationError

from config.errors.needs import named_need_of
from config.settings import IndicatorSettings, SignalSettings
from domain.errors import Conflict, NotFound
from domain.values import epoch_ms, utc_time
from services.reviews.settings import PENDING
from storage.document_ports import CONFIG_SUGGESTIONS, Document, DocumentStore
from utils.clock import Clock

ACCEPTED, REJECTED = "accepted", "rejected"
BY_ADMINISTRATOR = "admin"
# Accepted suggestions whose changes may still come into force.
MAX_OPEN = 200
# Sections of the configuration by the part of a suggestion that has their changes.
_SECTIONS: Mapping[str, tuple[str, type[BaseModel]]] = {
    "indicator_suggestions": ("indicators", IndicatorSettings),
    "signal_suggestions": ("signals", SignalSettings),
}


@dataclass(frozen=True)
class SettingsInForce:
    """What the configuration says now.

    Attributes:
        indicators: The section of the configuration, which the trading engine may overrule.
        signals: The section of the configuration.
        overruled: Names the settings under `indicators` that the trading engine decides.
    """

    indicators: IndicatorSettings
    signals: SignalSettings
    overruled: Callable[[], Collection[str]]

    def of(self, section: str) -> BaseModel:
        """Return a section by its name."""
        return self.indicators if section == "indicators" else self.signals


class SuggestionDecisions:
    """Accepts and rejects suggestions, once each; acceptance changes no setting of a running service.

    A setting has one home: the configuration, from which jobs, backtests and every replica read it too. So what was
    accepted comes as lines for it, and `applied_changes` names those that the service found there at a later start.
    """

    def __init__(self, documents: DocumentStore, settings: SettingsInForce, clock: Clock) -> None:
        """Keep the store of suggestions, the settings in force, and the clock that dates decisions."""
        self._documents = documents
        self._settings = settings
        self._clock = clock

    async def decide(self, suggestion_id: str, *, accept: bool) -> Document:
        """Return the suggestion with the decision; the same decision again changes nothing.

        Raises:
            NotFound: there is no suggestion of this id.
            Conflict: it was decided otherwise, suggests nothing, or its values do not fit the configuration.
            StorageUnavailable: the store does not answer.
        """
        wanted = ACCEPTED if accept else REJECTED
        while True:
            known = await self._documents.get(CONFIG_SUGGESTIONS, suggestion_id)
            if known is None:
                raise NotFound(f"there is no suggestion {suggestion_id}")
            if known["status"] == wanted:
                return known
            if known["status"] != PENDING:
                raise Conflict(f"suggestion {suggestion_id} cannot be {wanted}: it is {known['status']}")
            decided = {**known, "status": wanted, "decided_at": self._now(), "decided_by": BY_ADMINISTRATOR}
            if accept:
                decided |= {"how_to_apply": self._how_to_apply(known), "applied_changes": self._applied(known)}
            if await self._documents.replace(CONFIG_SUGGESTIONS, suggestion_id, decided, {"status": PENDING}):
                logger.bind(suggestion_id=suggestion_id, status=wanted).info("a suggestion for the settings is decided")
                return decided

    def _now(self) -> datetime:
        """Return the current whole millisecond, as stores keep it."""
        return utc_time(epoch_ms(self._clock.now()))

    async def note_applied(self, documents: DocumentStore) -> None:
        """Write down which changes of accepted suggestions are in force by now.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        for known in await documents.newest(CONFIG_SUGGESTIONS, MAX_OPEN, {"status": ACCEPTED}):
            applied = self._applied(known)
            if applied != known["applied_changes"]:
                key = known[CONFIG_SUGGESTIONS.key_field]
                changed = {**known, "applied_changes": applied}
                await documents.replace(CONFIG_SUGGESTIONS, key, changed, {"status": ACCEPTED})
                logger.bind(suggestion_id=key, changes=applied).info("accepted changes of settings are in force")

    def _how_to_apply(self, known: Document) -> dict[str, str]:
        """Return the lines that change the settings, as YAML and as environment, and what else has to be known.

        Raises:
            Conflict: a value does not fit its section.
        """
        changes = _changes(known)
        tree: dict[str, dict[str, Any]] = {}
        for section, name, change in changes:
            tree.setdefault(section, {})[name] = change["suggested"]
        for section, kind in _SECTIONS.values():
            try:
                kind.model_validate(self._settings.of(section).model_dump() | tree.get(section, {}))
            except ValidationError as error:
                first = error.errors()[0]
                found = named_need_of({**first, "loc": (section, *first["loc"])})
                raise Conflict(f"the suggestion does not fit the configuration: {found}") from None
        overruled = sorted(set(self._settings.overruled()) & set(tree.get("indicators", {})))
        note = "Put the lines into the file that CONFIG_FILE names, or set the variables, and restart the service."
        if overruled:
            note += f" The trading engine decides {', '.join(overruled)}: change that there."
        return {
            "yaml": yaml.safe_dump(tree, sort_keys=True),
            "environment": "".join(
                f"{section.upper()}__{name.upper()}={change['suggested']}\n" for section, name, change in changes
            ),
            "note": note,
        }

    def _applied(self, known: Document) -> list[str]:
        return [
            f"{section}.{name}: {change['current']} -> {change['suggested']}"
            for section, name, change in _changes(known)
            if getattr(self._settings.of(section), name, None) == change["suggested"]
        ]


def _changes(known: Document) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Return section, name and change of everything that a suggestion names."""
    suggestions = known.get("suggestions", {})
    return [
        (section, name, change)
        for part, (section, _) in _SECTIONS.items()
        for name, change in sorted(suggestions.get(part, {}).items())
    ]
