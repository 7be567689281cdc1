"""Checks one registry: damaged or failing versions in production, a damaged file of aliases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from domain.errors import AppError
from domain.forecasting import market_in_words
from models.recalibration.recalibration_file import RECALIBRATIONS_FILE, read_recalibrations
from models.registry.aliases import ALIASES_FILE, Aliases, ScopeAliases
from models.registry.artifacts import FolderStamp, folder_stamp
from models.registry.registries import RegistryKey
from models.registry.registry import Registry
from models.serving.loaded_models import LoadedModels
from services.health.degraded import Degraded
from services.health.model_age import AgingModel

_BY_EVIDENCE = "plans are weighed by the evidence's own record"
_INSTALL = "install the service again, or switch them off by models.shipped: false"


@dataclass(frozen=True)
class _Verified:
    """The result of reading a version's files, and the stamps of these files."""

    members: tuple[str, ...]
    stamps: tuple[FolderStamp, ...]
    damage: str | None
    trained_until_ms: int | None


class RegistryWatch:
    """Finds what is wrong with the models in production of a registry; files are read again when they have changed."""

    def __init__(self, key: RegistryKey, registry: Registry, loaded: LoadedModels) -> None:
        """Keep the parts; nothing is read yet.

        Args:
            key: Which registry it is.
            registry: Its folder is watched.
            loaded: The models that serve; each look also makes it notice another version in production.
        """
        self._key = key
        self._registry = registry
        self._loaded = loaded
        self._aliases = Aliases()
        self._verified: dict[str, _Verified] = {}

    def serving(self) -> list[AgingModel]:
        """Return the versions in production that the last look could read, without waiting."""
        verified = self._verified  # one look's, since the next one replaces it in its thread
        return [
            AgingModel(version, self._market(scope), scope.is_shipped(version), verified[version].trained_until_ms)
            for scope in self._aliases.scopes
            if (version := scope.production) is not None and version in verified
        ]

    def look(self) -> Iterator[Degraded]:
        """Check once: file I/O, for one thread at a time."""
        self._loaded.look_again()
        self._loaded.in_production()
        self._loaded.look_again()  # requests after this look see at least what it saw
        try:
            self._aliases = self._registry.aliases()
        except AppError as error:
            remedy = f"restore {ALIASES_FILE} from a backup, or delete it and put versions into production again"
            yield Degraded(self._key.models, f"{error.message}; what served before goes on serving", remedy)
        try:
            read_recalibrations(self._registry.root)
        except AppError as error:
            remedy = f"restore {RECALIBRATIONS_FILE} from a backup, or delete it: calibrations are then fitted again"
            stays = f"{error.message}; what was in force before stays, until a restart"
            yield Degraded(self._key.models, stays, remedy)
        if (damage := self._registry.shipped.damage()) is not None:
            unread = f"those that come with the service cannot be read: {damage}"
            yield Degraded(self._key.models, unread, _INSTALL)
        serving = [(scope, scope.production) for scope in self._aliases.scopes if scope.production]
        self._verified = {version: self._verify(version) for _, version in serving}
        for scope, version in serving:
            if self._verified[version].damage is not None and version not in self._loaded.loaded():
                self._loaded.find(scope.symbol, scope.timeframe)  # fails, so that an earlier version serves
        failures = self._loaded.failures()
        for scope, version in serving:
            reason = self._verified[version].damage or failures.get((scope.symbol, scope.timeframe))
            if reason is not None:
                part = self._key.model(f"{scope.symbol} {scope.timeframe}")
                remedy = _INSTALL if scope.is_shipped(version) else self._remedy
                yield Degraded(part, self._told(scope, version, reason), remedy)

    @property
    def _remedy(self) -> str:
        if options := self._key.options:
            return f"train another version, or let an earlier one serve by cli.py models rollback{options}"
        return "train another version, or let an earlier one serve by POST /ai/models/rollback"

    def _market(self, scope: ScopeAliases) -> str:
        return market_in_words(self._key.market(f"{scope.symbol} {scope.timeframe}"))

    def _told(self, scope: ScopeAliases, version: str, reason: str) -> str:
        serves = self._loaded.known_production().get((scope.symbol, scope.timeframe))
        if serves == version:
            return f"{reason}; it serves from memory until the service ends"
        if serves is None and self._key.target == "plan":
            return f"{reason}; {_BY_EVIDENCE}"
        return f"{reason}; {serves or 'nothing'} serves instead"

    def _verify(self, version: str) -> _Verified:
        """Read a version's files, unless they are those that were read before."""
        registry, known = self._registry, self._verified.get(version)
        if known is not None and known.stamps == _stamps(registry, version, known.members):
            return known
        members: tuple[str, ...] = ()
        reason = trained_until_ms = None
        try:
            metadata = registry.open(version).metadata
            members, trained_until_ms = tuple(one.version for one in metadata.members), metadata.trained_until_ms
            stamps = _stamps(registry, version, members)  # taken first: a file that changes meanwhile is read again
            registry.verify(version)
        except AppError as error:
            reason = error.message
            stamps = _stamps(registry, version, members)
        return _Verified(members, stamps, reason, trained_until_ms)


def _stamps(registry: Registry, version: str, members: tuple[str, ...]) -> tuple[FolderStamp, ...]:
    return tuple(folder_stamp(registry.folder(one).parent, one) for one in (version, *members))
