"""How settling gets on, for /health."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from services.health.degraded import Degraded
from services.market_data.snapshots import duration_text

LAG_MS = 60 * 60_000


@dataclass(frozen=True)
class SettlerState:
    """What a replica knew after its last look at the ledger.

    Attributes:
        waiting: Horizons that are not settled yet.
        oldest_due_ms: When the first of them was due, or will be, epoch ms; None without any.
        last_run_ms: When it last looked without a failure, epoch ms; None before.
        settles: Whether this replica settles; another does where it does not.
        revised: Settlements that later candles would settle otherwise, of those that are kept.
        failure: Why the last look failed; None where it did not.
        failing_since_ms: When the first look failed after one that did not, epoch ms.
    """

    waiting: int = 0
    oldest_due_ms: int | None = None
    last_run_ms: int | None = None
    settles: bool = False
    revised: int = 0
    failure: str | None = None
    failing_since_ms: int | None = None

    def lag_ms(self, now_ms: int) -> int:
        """Return how long the oldest horizon is overdue at a time, or nothing was looked at; 0 if all is settled."""
        since_ms = [moment_ms for moment_ms in (self.oldest_due_ms, self.failing_since_ms) if moment_ms is not None]
        return max(0, now_ms - min(since_ms, default=now_ms))

    def degraded(self, now_ms: int) -> Iterator[Degraded]:
        """Yield that settling lags by more than an hour at a time, if it does."""
        lag_ms = self.lag_ms(now_ms)
        if lag_ms <= LAG_MS:
            return
        reason = f"settling lags by {duration_text(lag_ms)}; {self.waiting} horizons wait"
        reason += f": {self.failure}" if self.failure else ""
        remedy = "see the log for what fails" if self.failure else "wait while it catches up"
        yield Degraded("ledger", reason, f"{remedy}; it is tried again by itself, and no entry is lost")
