"""Which version serves: the aliases production and candidate of every symbol and timeframe."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from domain.forecasting import ANY_SYMBOL, ModelScope, VersionName, is_shipped_market
from domain.market import Timeframe
from domain.values import Frozen
from models.registry.durable_files import read_document, replace_file
from models.registry.shadows import MAX_ENDED, EndedShadow, Shadow, ShadowFigures, ended

ALIASES_FILE = "aliases.json"
MAX_ALIASES_BYTES = 64 * 1024 * 1024

PromotedBy = Literal["gate", "forced", "rollback", "shadow"]


class Promotion(Frozen):
    """A change of the version in production, with time, decision and reason; None: no version serves since."""

    version: VersionName | None
    at: AwareDatetime
    by: PromotedBy
    reason: Annotated[str, Field(min_length=1)]


class ScopeAliases(Frozen):
    """The aliases of one symbol (or `*`) and timeframe, and every promotion, oldest first.

    Attributes:
        candidate: The one that shadows or, without any, the newest version that is not in production.
        shadow: Of the candidate beside the version in production.
        shadowed: Shadows that have ended, the newest last.
        shipped: Those of the versions that come with the service; they serve beneath one's own and are never written.
    """

    symbol: ModelScope
    timeframe: Timeframe
    candidate: VersionName | None = None
    history: tuple[Promotion, ...] = ()
    shadow: Shadow | None = None
    shadowed: tuple[EndedShadow, ...] = ()
    shipped: ScopeAliases | None = Field(default=None, exclude=True)

    @property
    def line(self) -> tuple[str, ...]:
        """The version in production, last, after those that a rollback goes back to."""
        line = list(self.shipped.line) if self.shipped else []
        beneath = len(line)
        for promotion in self.history:
            if promotion.by == "rollback" or promotion.version is None:
                while len(line) > beneath and line[-1] != promotion.version:
                    line.pop()
            else:
                line.append(promotion.version)
        return tuple(line)

    @property
    def production(self) -> str | None:
        """The version that serves."""
        return next(reversed(self.line), None)

    @property
    def earlier(self) -> tuple[str, ...]:
        """The versions that served before, the one to go back to first."""
        return tuple(version for version in reversed(self.line[:-1]) if version != self.line[-1])

    def is_shipped(self, version: str | None) -> bool:
        """Return whether a version is one of those that come with the service."""
        return self.shipped is not None and version in (self.shipped.candidate, *self.shipped.line)

    def may_answer(self, version: str | None, symbol: str) -> bool:
        """Return whether a version forecasts a symbol; those that come with the service forecast coins alone."""
        return version is not None and (is_shipped_market(symbol) or not self.is_shipped(version))

    def at(self, moment: datetime) -> ScopeAliases:
        """Return the aliases with the version that was in production at a moment, and none of one's own to go back to.

        Of the versions that come with the service, those of now count from the time at which they were made.
        """
        then = self.model_copy(update={"history": tuple(one for one in self.history if one.at <= moment)})
        # A history of one rollback leads to no version; the promotion that it went back to takes its place.
        came = [one for one in then.history if one.version == then.production and one.by != "rollback"]
        shipped = None if came or self.shipped is None else self.shipped.at(moment)
        return ScopeAliases(symbol=self.symbol, timeframe=self.timeframe, history=tuple(came[-1:]), shipped=shipped)

    def promoted(
        self,
        version: str | None,
        at: datetime,
        by: PromotedBy,
        reason: str,
        figures: ShadowFigures | None = None,
    ) -> ScopeAliases:
        """Return the aliases with another version in production, which stops being the candidate; a shadow ends."""
        scope = self
        if self.shadow is not None:
            own = self.shadow.version == version
            scope = self.without_shadow(ended(self.shadow, at, "promoted" if own else "superseded", reason, figures))
        return scope.model_copy(
            update={
                "candidate": None if scope.candidate == version else scope.candidate,
                "history": (*scope.history, Promotion(version=version, at=at, by=by, reason=reason)),
            }
        )

    def shadowing(self, shadow: Shadow) -> ScopeAliases:
        """Return the aliases with a shadow of the candidate; one that was there before is superseded."""
        scope = self
        if self.shadow is not None:
            scope = self.without_shadow(ended(self.shadow, shadow.since, "superseded", f"{shadow.version} is newer"))
        return scope.model_copy(update={"candidate": shadow.version, "shadow": shadow})

    def without_shadow(self, end: EndedShadow) -> ScopeAliases:
        """Return the aliases after a shadow; a candidate that was refused is no candidate any more."""
        candidate = None if end.end == "refused" and self.candidate == end.version else self.candidate
        shadowed = (*self.shadowed, end)[-MAX_ENDED:]
        return self.model_copy(update={"candidate": candidate, "shadow": None, "shadowed": shadowed})


class Aliases(Frozen):
    """The aliases of all symbols and timeframes: the content of `aliases.json`."""

    scopes: tuple[ScopeAliases, ...] = ()

    def of(self, symbol: str, timeframe: Timeframe) -> ScopeAliases:
        """Return the aliases of exactly this symbol (or `*`) and timeframe; empty ones where there are none."""
        return self._by_scope.get((symbol, timeframe)) or ScopeAliases(symbol=symbol, timeframe=timeframe)

    def serving(self, symbol: str, timeframe: Timeframe) -> ScopeAliases | None:
        """Return the aliases whose production serves a symbol: its own, else those of `*`, else None."""
        for scope in (symbol, ANY_SYMBOL):
            aliases = self._by_scope.get((scope, timeframe))
            if aliases is not None and aliases.may_answer(aliases.production, symbol):
                return aliases
        return None

    @cached_property
    def _by_scope(self) -> dict[tuple[str, Timeframe], ScopeAliases]:
        return {(scope.symbol, scope.timeframe): scope for scope in self.scopes}

    def above(self, shipped: Aliases) -> Aliases:
        """Return the aliases with those of the versions that come with the service beneath them."""
        scopes = dict(self._by_scope)
        for scope in shipped.scopes:
            own = self.of(scope.symbol, scope.timeframe)
            scopes[scope.symbol, scope.timeframe] = own.model_copy(update={"shipped": scope})
        return Aliases(scopes=tuple(scopes.values()))

    def at(self, moment: datetime) -> Aliases:
        """Return the aliases of a moment; see `ScopeAliases.at`."""
        return Aliases(scopes=tuple(scope.at(moment) for scope in self.scopes))

    def replaced(self, new: ScopeAliases) -> Aliases:
        """Return all aliases with those of one symbol and timeframe replaced."""
        others = (scope for scope in self.scopes if (scope.symbol, scope.timeframe) != (new.symbol, new.timeframe))
        return Aliases(scopes=(*others, new))


def read_aliases(root: Path) -> Aliases:
    """Return the aliases of a registry, empty if no version was promoted yet.

    Raises:
        ModelCorrupt: the file cannot be read.
    """
    return read_document(root, ALIASES_FILE, MAX_ALIASES_BYTES, Aliases)


def write_aliases(root: Path, aliases: Aliases) -> None:
    """Replace the aliases of a registry; call it with the root locked."""
    own = tuple(scope for scope in aliases.scopes if scope.history or scope.candidate or scope.shadow or scope.shadowed)
    replace_file(root / ALIASES_FILE, Aliases(scopes=own).model_dump_json(indent=2).encode())
