"""The ledger: how long its entries are kept."""

from __future__ import annotations

from config.section import Count, Section


class LedgerSettings(Section):
    """Bounds of the ledger."""

    retention_days: Count
