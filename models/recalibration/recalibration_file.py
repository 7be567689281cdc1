"""The file of recalibrations beside the versions; the files of a version itself never change."""

from __future__ import annotations

from pathlib import Path

from models.recalibration.records import Recalibration, Recalibrations
from models.registry.durable_files import locked, read_document, replace_file
from models.registry.registry import Registry

RECALIBRATIONS_FILE = "recalibrations.json"
MAX_BYTES = 64 * 1024 * 1024


def read_recalibrations(root: Path) -> Recalibrations:
    """Return the recalibrations of a registry; none where nothing was recalibrated yet.

    Raises:
        ModelCorrupt: the file cannot be read.
    """
    return read_document(root, RECALIBRATIONS_FILE, MAX_BYTES, Recalibrations)


def add_recalibration(registry: Registry, version: str, new: Recalibration, before: Recalibration | None) -> bool:
    """Keep a recalibration, and forget those of versions that are gone; return False where another one came between.

    Args:
        registry: Has the version.
        version: Its name.
        new: What was judged.
        before: What was in force when it was judged.

    Raises:
        ModelCorrupt: the file cannot be read.
        ModelStorageUnavailable: it cannot be written.
    """
    with locked(registry.root):
        known = read_recalibrations(registry.root)
        if known.in_force(version) != before:
            return False
        there = {name: own for name, own in known.versions.items() if registry.folder(name).is_dir()}
        kept = Recalibrations(versions=there).added(version, new)
        replace_file(registry.root / RECALIBRATIONS_FILE, kept.model_dump_json(indent=2).encode())
        return True
