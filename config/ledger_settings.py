"""The ledger: how long its entries are kept, and how many of those that are never scored."""

from __future__ import annotations

from config.section import Count, Section


class LedgerSettings(Section):
    """Bounds of the ledger."""

    retention_days: Count
    max_apart_per_day: Count
