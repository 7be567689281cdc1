"""The ledger: how long its entries are kept, and what becomes of lanes without lift."""

from __future__ import annotations

from config.section import Count, Section
from domain.values import Share


class LedgerSettings(Section):
    """Bounds of the ledger."""

    retention_days: Count
    lane_trial_calls: Count
    lane_sample_share: Share
