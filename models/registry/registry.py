"""The versions of all models: listed, compared, promoted, rolled back and pruned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Self

from config.model_settings import ModelSettings
from domain.errors import InvalidRequest
from domain.market import Timeframe
from models.registry.aliases import Aliases, ScopeAliases, read_aliases, write_aliases
from models.registry.artifacts import StoredVersion, delete_version, open_version, sweep, write_version
from models.registry.comparison import VersionComparison, compare
from models.registry.durable_files import locked
from models.registry.listing import Listing, list_versions
from models.registry.metadata import ModelMetadata
from models.registry.shipped import COMES_WITH, ShippedVersions, is_version
from models.registry.version_names import check_version_name

MAX_REASON = 1_000


@dataclass(frozen=True)
class PrunedVersions:
    """Names of the versions that were deleted, and of those that stayed, newest first."""

    deleted: tuple[str, ...]
    kept: tuple[str, ...]


class Registry:
    """The folder that holds a folder per version, and the file of aliases.

    It keeps nothing in memory, so that the service, a training process and a person at the command
    line may use it at once. Whatever changes it holds the lock of the folder and raises
    `ModelStorageUnavailable` where that cannot be written; readers need none.

    Beneath it may be the versions that come with the service, which are read and never written.
    """

    def __init__(self, root: Path, shipped: ShippedVersions | None = None) -> None:
        # A deployment may link the folder itself; nothing below it may be a link.
        self.root = root.resolve()
        self.shipped = shipped or ShippedVersions(None)

    @classmethod
    def of(cls, settings: ModelSettings) -> Self:
        """Return the registry of the settings, with the versions that come with the service where they are wanted."""
        return cls(Path(settings.save_path), ShippedVersions.of(settings))

    def add(self, metadata: ModelMetadata, write: Callable[[Path], None]) -> ModelMetadata:
        """Register a version and return its metadata as they were written.

        Args:
            metadata: `files` is filled in; `version` gets `_2` and on where the name is taken.
            write: Is given an empty folder and writes every file but the metadata into it. The registry
                is locked meanwhile: make the files' content before.

        Raises:
            ModelNotFound: an ensemble's member is not registered.
            ModelStorageUnavailable: the disk is full or read-only; nothing is registered.
            ValueError: `write` left something other than plain files, or not those that serving needs.
        """
        with locked(self.root):
            sweep(self.root)
            for member in metadata.members:
                open_version(self.root, member.version)
            return write_version(self.root, metadata, write)

    def open(self, version: str) -> StoredVersion:
        """Return a version, whose metadata and files can then be read.

        Raises:
            InvalidRequest: no version can have that name.
            ModelNotFound: no version has that name.
            ModelCorrupt: its metadata cannot be used.
        """
        return open_version(self.folder(version).parent, version)

    def folder(self, version: str) -> Path:
        """Return the folder of a version, which may not be there.

        Raises:
            InvalidRequest: no version can have that name.
        """
        own = self.root / check_version_name(version)
        return own if own.is_dir() else self.shipped.folder(version) or own

    def verify(self, version: str) -> ModelMetadata:
        """Read every file of a version and of its members, and return its metadata.

        Raises:
            InvalidRequest, ModelNotFound: as `open`.
            ModelCorrupt: one of the files is missing, or not the one that was written.
        """
        stored = self.open(version)
        stored.verify()
        for member in stored.metadata.members:
            self.verify(member.version)
        return stored.metadata

    def versions(self) -> Listing:
        """Return the metadata of every version, also of those that come with the service."""
        return list_versions(self.open, [*self._names(), *self.shipped.names()])

    def compare(self, first: str, second: str) -> VersionComparison:
        """Return two versions with their figures side by side.

        Raises:
            InvalidRequest, ModelNotFound, ModelCorrupt: as `open`.
        """
        return compare(self.open(first).metadata, self.open(second).metadata)

    def aliases(self) -> Aliases:
        """Return every alias, those of the versions that come with the service beneath one's own.

        Raises:
            ModelCorrupt: the file of aliases cannot be read.
        """
        return read_aliases(self.root).above(self.shipped.aliases())

    def resolve(self, symbol: str, timeframe: Timeframe) -> str | None:
        """Return the version in production for a symbol: its own, else the one of `*`, else None.

        Raises:
            ModelCorrupt: the file of aliases cannot be read.
        """
        aliases = self.aliases().serving(symbol, timeframe)
        return aliases.production if aliases else None

    def nominate(self, version: str) -> None:
        """Make a version the candidate of its symbol and timeframe, unless another one shadows there.

        Raises:
            InvalidRequest, ModelNotFound, ModelCorrupt: as `open`.
        """
        with locked(self.root):
            scope, aliases = self._scope(version)
            if scope.shadow is None:
                write_aliases(self.root, aliases.replaced(scope.model_copy(update={"candidate": version})))

    def promote(self, version: str, *, by: Literal["gate", "forced"], reason: str, at: datetime) -> None:
        """Put a version, whose files are all verified first, into production of its symbol and timeframe.

        Args:
            by: Whether the gate let it pass, or a person decided against the gate.
            reason: Why, 1 to 1,000 characters; kept with the time `at`.

        Raises:
            InvalidRequest: no reason, or it is in production already; or as `open`.
            ModelNotFound, ModelCorrupt: as `open`, and for every file and every member.
        """
        reason = _checked(reason)
        with locked(self.root):
            scope, aliases = self._scope(version)
            if scope.production == version:
                raise InvalidRequest(f"{version} is already in production for {scope.symbol} {scope.timeframe}")
            self.verify(version)
            written = None if scope.shipped and scope.shipped.production == version else version
            write_aliases(self.root, aliases.replaced(scope.promoted(written, at, by, reason)))

    def rollback(self, symbol: str, timeframe: Timeframe, *, reason: str, at: datetime) -> str | None:
        """Put the version before into production again and return it; None where nothing served before.

        Args:
            symbol: Exactly whose production, `*` for the pooled one.
            reason: Why, 1 to 1,000 characters; kept with the time `at`.

        Raises:
            InvalidRequest: nothing is in production, or there is no reason.
            ModelCorrupt: the version before cannot serve.
        """
        reason = _checked(reason)
        with locked(self.root):
            aliases = self.aliases()
            scope = aliases.of(symbol, timeframe)
            if scope.production is None:
                raise InvalidRequest(f"nothing is in production for {symbol} {timeframe}")
            if scope.shipped is not None and scope.production == scope.shipped.production:
                raise InvalidRequest(f"{scope.production} {COMES_WITH}")
            before = self._before(scope)
            if before is not None:
                self.verify(before)
            # The next release may come with others, so only the absence of one's own is recorded.
            written = None if scope.is_shipped(before) else before
            write_aliases(self.root, aliases.replaced(scope.promoted(written, at, "rollback", reason)))
            return before

    def prune(self, keep: int) -> PrunedVersions:
        """Delete all but the newest versions of each symbol and timeframe.

        Aliases, the versions that a rollback would go back to, and the members of every ensemble that
        stays are never deleted; nor is a version whose metadata cannot be read.

        Args:
            keep: Versions of each symbol and timeframe to keep, >= 1.
        """
        with locked(self.root):
            sweep(self.root)
            listing = list_versions(self.open, self._names())
            kept = self._worth_keeping(listing.models, keep)
            deleted = tuple(model.version for model in listing.models if model.version not in kept)
            for version in deleted:
                delete_version(self.root, version)
            stayed = tuple(model.version for model in listing.models if model.version in kept)
            return PrunedVersions(deleted, (*stayed, *listing.unusable))

    def _worth_keeping(self, models: Iterable[ModelMetadata], keep: int) -> set[str]:
        kept: set[str] = set()
        for scope in self.aliases().scopes:
            kept.update(version for version in (scope.candidate, scope.production, self._before(scope)) if version)
        counts: defaultdict[tuple[str, Timeframe], int] = defaultdict(int)
        for model in models:
            counts[model.scope] += 1
            if counts[model.scope] <= keep:
                kept.add(model.version)
        members = {member.version for model in models if model.version in kept for member in model.members}
        return kept | members

    def _before(self, scope: ScopeAliases) -> str | None:
        return next((version for version in scope.earlier if self.folder(version).is_dir()), None)

    def _scope(self, version: str) -> tuple[ScopeAliases, Aliases]:
        metadata, aliases = self.open(version).metadata, self.aliases()
        return aliases.of(metadata.symbol, metadata.timeframe), aliases

    def _names(self) -> list[str]:
        if not self.root.is_dir():
            return []
        return [path.name for path in self.root.iterdir() if is_version(path.name)]


def _checked(reason: str) -> str:
    reason = reason.strip()
    if not 1 <= len(reason) <= MAX_REASON:
        raise InvalidRequest(f"a promotion needs a reason of 1 to {MAX_REASON} characters, received {len(reason)}")
    return reason
