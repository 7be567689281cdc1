"""The ledger: how long its entries are kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.section import Section


class LedgerSettings(Section):
    """Bounds of the ledger."""

    # A stretch of 24 weeks and its settlement, 24 weeks later: no sum is made anew from a part of its entries.
    retention_days: Annotated[int, Field(ge=366)]
