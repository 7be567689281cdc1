"""The report of health: peers, stores, disk and memory, and every part of the service that does not work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from config.report_settings import ReportSettings
from domain.reports import ReportFinding
from services.health.degraded import Degraded
from services.reports.findings import ReportContent, critical, fine, warning
from services.reports.machine import Space, disk_space, memory_space, process_bytes
from services.reports.peers import Peers, PeerState
from storage.ports import StoreState

_MIB = 1024 * 1024


class HealthReporter:
    """Looks at what the service needs; /health itself looks at nothing but memory."""

    def __init__(
        self,
        *,
        peers: Peers,
        stores: Callable[[], Mapping[str, StoreState]],
        sources: Callable[[], Mapping[str, bool | None]],
        degraded: Callable[[], Sequence[Degraded]],
        folders: Sequence[Path],
        settings: ReportSettings,
    ) -> None:
        """Keep the parts.

        Args:
            peers: Other services.
            stores: States of the stores by name.
            sources: Whether each market-data source answered when it was last asked; None before.
            degraded: The parts that do not work now.
            folders: Of the data.
            settings: Thresholds.
        """
        self._peers = peers
        self._stores = stores
        self._sources = sources
        self._degraded = degraded
        self._folders = folders
        self._settings = settings

    async def report(self) -> ReportContent:
        """Return the report; what fails is a finding."""
        peers = await self._peers.look()
        disks = [await asyncio.to_thread(_disk, folder) for folder in self._folders]
        memory, process = await asyncio.to_thread(memory_space), await asyncio.to_thread(process_bytes)
        stores, degraded = self._stores(), self._degraded()
        named = {found.part for found in degraded}
        findings = [
            # What the service names itself has the better reason and a remedy.
            *_peer_findings({name: state for name, state in peers.items() if name not in named}),
            *_degraded_findings(degraded, stored=all(state.available for state in stores.values())),
            *self._space_findings(disks, memory),
        ]
        figures = {
            "peers": [{"name": name, **vars(state)} for name, state in peers.items()],
            "sources": dict(self._sources()),
            "stores": {name: vars(state) for name, state in stores.items()},
            "degraded": [found.part for found in degraded],
            "disks": [_space_figures(space) | {"folder": str(folder)} for folder, space in self._measured(disks)],
            "memory": None if memory is None else _space_figures(memory),
            "process_bytes": process,
        }
        troubles = sorted({finding.subject for finding in findings if finding.level.rank})
        parts = "1 part needs" if len(troubles) == 1 else f"{len(troubles)} parts need"
        summary = f"{parts} attention: {', '.join(troubles)}" if troubles else "everything works"
        return ReportContent(summary, figures, findings)

    def _measured(self, disks: Sequence[Space | None]) -> Iterator[tuple[Path, Space | None]]:
        return zip(self._folders, disks, strict=True)

    def _space_findings(self, disks: Sequence[Space | None], memory: Space | None) -> Iterator[ReportFinding]:
        settings = self._settings
        for folder, disk in self._measured(disks):
            if disk is None:
                yield critical("disk", f"the disk of {folder} cannot be read")
            else:
                least = settings.disk_warning_share, settings.disk_critical_share
                yield from _space_finding("disk", f"the disk of {folder}", disk, *least)
        if memory is None:
            yield fine("memory", "the memory of the machine cannot be measured on this system")
        else:
            least = settings.memory_warning_share, settings.memory_critical_share
            yield from _space_finding("memory", "the memory", memory, *least)


def _disk(folder: Path) -> Space | None:
    try:
        return disk_space(folder)
    except OSError:
        return None


def _peer_findings(peers: Mapping[str, PeerState]) -> Iterator[ReportFinding]:
    for name, state in peers.items():
        if not state.reachable:
            yield warning(name, f"{name} {state.reason}")


def _degraded_findings(degraded: Sequence[Degraded], *, stored: bool) -> Iterator[ReportFinding]:
    """Yield what does not work; nothing is worse than a store that takes no write."""
    for found in degraded:
        text = f"{found.reason}; {found.remedy}"
        yield critical(found.part, text) if found.part == "store" and not stored else warning(found.part, text)


def _space_finding(
    subject: str, name: str, space: Space, warn_below: float, critical_below: float
) -> Iterator[ReportFinding]:
    share = space.free_share
    if share < warn_below:
        text = f"{name} has {space.free_bytes / _MIB:,.0f} MiB free, {share:.1%}; {warn_below:.0%} should be"
        yield critical(subject, text) if share < critical_below else warning(subject, text)


def _space_figures(space: Space | None) -> dict[str, Any]:
    if space is None:
        return {"total_bytes": None, "free_bytes": None, "free_share": None}
    return {"total_bytes": space.total_bytes, "free_bytes": space.free_bytes, "free_share": round(space.free_share, 4)}
