"""The models in production, kept in memory and exchanged while they serve."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from domain.errors import AppError, ModelNotFound, ModelUnusable
from domain.forecasting import is_shipped_market
from domain.market import Timeframe
from models.recalibration.in_force import RecalibrationsInForce
from models.registry.aliases import ALIASES_FILE, Aliases, ScopeAliases
from models.registry.durable_files import Stamp, file_stamp
from models.registry.registry import Registry
from models.serving.ensemble import EnsembleForecaster
from models.serving.forecaster import Forecaster, OnnxForecaster

# A disk that hangs does not hold up requests that memory can answer.
WAIT_FOR_A_LOOK_SECONDS = 0.5

# Is told which version could not be loaded and why; of the file of aliases when that cannot be read.
OnFailure = Callable[[str, AppError], None]


def load_version(registry: Registry, version: str) -> Forecaster:
    """Return a version ready to answer: every file that it needs checked, every graph warmed up.

    Raises:
        ModelNotFound: there is no such version, or a member of it is gone.
        ModelUnusable: it, or a member of it, cannot serve.
    """
    stored = registry.open(version)
    members = stored.metadata.members
    if not members:
        return OnnxForecaster.load(stored)
    loaded = [OnnxForecaster.load(registry.open(member.version)) for member in members]
    return EnsembleForecaster(stored.metadata, loaded)


@dataclass
class _Slot:
    """What serves one symbol (or `*`) and timeframe."""

    serving: Forecaster | None = None
    # Why versions could not be loaded, and when to try again.
    failed: dict[str, str] = field(default_factory=dict)
    retry_at: float = 0.0
    loading: Lock = field(default_factory=Lock)

    def settled(self, version: str, now: float) -> bool:
        """Return whether there is nothing to load."""
        current = self.serving is not None and self.serving.metadata.version == version
        return current or (version in self.failed and now < self.retry_at)


class LoadedModels:
    """Gives the forecaster of the version in production, and loads it on first use.

    The files of aliases and recalibrations are looked at every `reload_seconds`. When another version is in
    production it is loaded, checked and warmed up while the one before answers; a request that got the one
    before keeps it until its forecast is done. A version that cannot be loaded is tried again every
    `reload_seconds`, and the one before goes on serving; after a restart that is the newest of the
    earlier ones that can be loaded.
    """

    def __init__(
        self,
        registry: Registry,
        reload_seconds: float,
        on_failure: OnFailure,
        monotonic: Callable[[], float] = time.monotonic,
        load: Callable[[Registry, str], Forecaster] = load_version,
        moment: datetime | None = None,
    ) -> None:
        """Load nothing yet.

        Args:
            on_failure: Is called once for a version that cannot be loaded, by the thread that tried.
            monotonic: Seconds since some moment.
            load: Makes the forecaster of a version; raises as `load_version`.
            moment: Versions are recalibrated as they were then, aware UTC; None is now.
        """
        self._load = load
        self._registry = registry
        self._reload_seconds = reload_seconds
        self._on_failure = on_failure
        self._monotonic = monotonic
        self._recalibrations = RecalibrationsInForce(registry.root, on_failure, moment)
        self._aliases = Aliases()
        self._stamp: Stamp | None = None
        self._aliases_failed = False
        self._look_at = float("-inf")
        self._looking = Lock()
        self._slots: dict[tuple[str, Timeframe], _Slot] = {}

    def find(self, symbol: str, timeframe: Timeframe) -> Forecaster | None:
        """Return what serves a symbol, None where no version is in production or none can be loaded.

        Microseconds as a rule, and as long as loading takes when something is to be loaded: call it
        off the event loop. Threads may call it at once.
        """
        self._look()
        of = self._aliases.serving(symbol, timeframe)
        if of is None or of.production is None:
            return None
        slot = self._slots.setdefault((of.symbol, of.timeframe), _Slot())
        # With something that serves, those who find it being exchanged do not wait.
        if not slot.settled(of.production, self._monotonic()) and slot.loading.acquire(blocking=slot.serving is None):
            try:
                self._exchange(slot, of, of.production)
            finally:
                slot.loading.release()
        served = self._corrected(slot)
        # Where one's own cannot be loaded, one that comes with the service takes its place for coins alone.
        return served if served is None or of.may_answer(served.metadata.version, symbol) else None

    def look_again(self) -> None:
        """Let the next `find` read the aliases again; one look may be under way: it ends first."""
        with self._looking:
            self._look_at = float("-inf")

    def loaded(self) -> tuple[str, ...]:
        """Return the versions that are in memory and serve."""
        serving = [slot.serving for slot in list(self._slots.values())]
        return tuple(sorted(forecaster.metadata.version for forecaster in serving if forecaster))

    def known_absent(self, symbol: str, timeframe: Timeframe) -> bool:
        """Return whether `find` would return None without looking at the registry again; the event loop may ask."""
        return self._monotonic() < self._look_at and self._aliases.serving(symbol, timeframe) is None

    def known(self, symbol: str, timeframe: Timeframe) -> Forecaster | None:
        """Return what `find` would, None where it has to look at the registry or to load; the event loop may ask."""
        now, of = self._monotonic(), self._aliases.serving(symbol, timeframe)
        slot = self._slots.get((of.symbol, of.timeframe)) if of is not None else None
        if now >= self._look_at or of is None or slot is None or slot.serving is None or of.production is None:
            return None
        usable = slot.settled(of.production, now) and of.may_answer(slot.serving.metadata.version, symbol)
        return self._corrected(slot) if usable else None

    def timeframes(self, symbol: str) -> frozenset[Timeframe]:
        """Return the timeframes in which a version is in production for a symbol; call it as `find`."""
        self._look()
        return frozenset(timeframe for timeframe in Timeframe if self._aliases.serving(symbol, timeframe))

    def for_coins_alone(self, symbol: str) -> bool:
        """Return whether versions that come with the service forecast nothing here because the symbol is no coin."""
        return not is_shipped_market(symbol) and any(of.shipped for of in self._aliases.scopes)

    def in_production(self) -> dict[tuple[str, Timeframe], str | None]:
        """Return what serves each symbol (or `*`) and timeframe with a version in production; call it as `find`.

        Before the first request that is the version to be loaded, and None where none can be.
        """
        self._look()
        return self.known_production()

    def known_production(self) -> dict[tuple[str, Timeframe], str | None]:
        """Return the same without looking at the registry again; the event loop may ask."""
        return {(of.symbol, of.timeframe): self._served(of) for of in self._aliases.scopes if of.production}

    def failures(self) -> dict[tuple[str, Timeframe], str]:
        """Return why versions in production could not be loaded, as far as it was tried; the event loop may ask."""
        tried = ((scope, slot, self._aliases.of(*scope).production) for scope, slot in list(self._slots.items()))
        return {scope: slot.failed[version] for scope, slot, version in tried if version and version in slot.failed}

    def _served(self, of: ScopeAliases) -> str | None:
        slot = self._slots.get((of.symbol, of.timeframe), _Slot())
        if slot.serving:
            return slot.serving.metadata.version
        return next((version for version in reversed(of.line) if version not in slot.failed), None)

    def _corrected(self, slot: _Slot) -> Forecaster | None:
        """Return what serves, with the recalibration in force."""
        serving = slot.serving
        by = self._recalibrations.of(serving.metadata.version) if serving else None
        if serving is None or serving.recalibration is by:
            return serving
        corrected = serving.recalibrated(by)
        if slot.serving is serving:  # else another thread has just exchanged it
            slot.serving = corrected
        return corrected

    def _exchange(self, slot: _Slot, of: ScopeAliases, production: str) -> None:
        if slot.settled(production, self._monotonic()):
            return  # by the thread that was waited for
        candidates = (production,) if slot.serving else (production, *of.earlier)
        for version in candidates:
            try:
                slot.serving = self._load(self._registry, version)
            except (ModelNotFound, ModelUnusable) as error:
                slot.retry_at = self._monotonic() + self._reload_seconds
                if version not in slot.failed:
                    self._on_failure(version, error)
                slot.failed[version] = error.message
            else:
                slot.failed.pop(version, None)
                return

    def _look(self) -> None:
        """Read the aliases again if it is time to and they have changed."""
        if self._monotonic() < self._look_at:
            return
        if not self._looking.acquire(timeout=-1 if self._stamp is None else WAIT_FOR_A_LOOK_SECONDS):
            return
        try:
            now = self._monotonic()
            if now < self._look_at:
                return  # another thread has just looked
            self._recalibrations.look()
            stamp = file_stamp(self._registry.root / ALIASES_FILE)
            if stamp != self._stamp or self._aliases_failed:
                self._read()
                self._stamp = stamp
            self._look_at = now + self._reload_seconds
        finally:
            self._looking.release()

    def _read(self) -> None:
        try:
            self._aliases = self._registry.aliases()
        except ModelUnusable as error:
            if not self._aliases_failed:
                self._on_failure(ALIASES_FILE, error)
            self._aliases_failed = True
            return
        self._aliases_failed = False
        served = {(of.symbol, of.timeframe) for of in self._aliases.scopes if of.production}
        for scope in list(self._slots):  # a copy: other threads add to it
            if scope not in served:
                self._slots.pop(scope, None)
