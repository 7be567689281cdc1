"""The evidence that plans are weighed by now."""

from __future__ import annotations

from rules.evidence.weighing import Weigher


class EvidenceInUse:
    """Holds the weigher in use, which may be replaced while the service runs.

    Attributes:
        weigher: Read once for each answer, so that an answer is weighed by one record.
        shipped: As it was opened: by the evidence file.
    """

    def __init__(self, shipped: Weigher) -> None:
        self.weigher = self.shipped = shipped
