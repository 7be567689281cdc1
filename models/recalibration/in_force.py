"""The recalibrations in force, kept in memory and read again when their file has changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from domain.errors import AppError, ModelUnusable
from models.recalibration.recalibration_file import RECALIBRATIONS_FILE, read_recalibrations
from models.recalibration.records import Recalibration, Recalibrations
from models.registry.durable_files import Stamp, file_stamp


class RecalibrationsInForce:
    """Tells what corrects each version; one thread at a time may look, any may ask.

    While the file cannot be read, those that were read last stay in force; after a restart there are none.
    """

    def __init__(self, root: Path, on_failure: Callable[[str, AppError], None], moment: datetime | None) -> None:
        """Read nothing yet.

        Args:
            root: Folder of the registry.
            on_failure: Is called once with the name of the file when it cannot be read, and why.
            moment: Those that were in force then, aware UTC; None are those of now.
        """
        self._root = root
        self._on_failure = on_failure
        self._moment = moment
        self._known = Recalibrations()
        self._stamp: Stamp | None = None
        self._failed = False

    def of(self, version: str) -> Recalibration | None:
        """Return what corrects a version, the same object until another one does; None where nothing does."""
        return self._known.in_force(version)

    def look(self) -> None:
        """Read the file again if it has changed."""
        stamp = file_stamp(self._root / RECALIBRATIONS_FILE)
        if stamp == self._stamp and not self._failed:
            return
        try:
            found = read_recalibrations(self._root)
        except ModelUnusable as error:
            if not self._failed:
                self._on_failure(RECALIBRATIONS_FILE, error)
            self._failed = True
            return
        self._known = found if self._moment is None else found.at(self._moment)
        self._stamp, self._failed = stamp, False
