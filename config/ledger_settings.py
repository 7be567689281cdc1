"""The ledger: how long its entries are kept, and how often they are settled."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.section import Count, Section


class LedgerSettings(Section):
    """Bounds of the ledger."""

    retention_days: Count
    settle_seconds: Annotated[float, Field(ge=1, le=3600)]
