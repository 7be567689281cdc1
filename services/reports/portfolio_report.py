"""The daily report of the portfolio, by the trading engine's own figures."""

from __future__ import annotations

import asyncio
from typing import Any

from services.market_data.fetching import SourceFailed
from services.reports.engine_account import AccountState, EngineAccount
from services.reports.findings import ReportContent, fine, warning
from services.reports.ratios import MeasuredRatio, win_rate

_UNKNOWN: dict[str, Any] = {
    "balance": None,
    "total_return_percent": None,
    "closed_trades": None,
    "trades_without_profit": None,
    "win_rate": None,
    "average_profit": None,
}


class PortfolioReporter:
    """Reads the engine's account."""

    def __init__(self, account: EngineAccount) -> None:
        """Keep the account."""
        self._account = account

    async def report(self) -> ReportContent:
        """Return the report; without an answer of the engine no figure is given."""
        if not self._account.configured:
            words = "no trading engine is configured: set RUST_API_URL"
            return ReportContent(words, _UNKNOWN, [fine("engine", words)])
        try:
            state = await self._account.read()
        except SourceFailed as failure:
            words = f"the trading engine {failure.message}"
            return ReportContent(words, _UNKNOWN, [warning("engine", f"{words}: no figure of the portfolio is known")])
        return await asyncio.to_thread(_content, state)


def _content(state: AccountState) -> ReportContent:
    count = len(state.trades)
    wins = win_rate(sum(trade.profit > 0 for trade in state.trades), count)
    average = sum(trade.profit for trade in state.trades) / count if count else None
    parts = [
        "balance not told" if state.balance is None else f"balance {state.balance:,.2f}",
        "return not told" if state.return_percent is None else f"return {state.return_percent:+.2f} %",
        _rate_words(wins),
    ]
    if average is not None:
        parts.append(f"{average:+,.2f} per trade")
    findings = []
    if state.unknown:
        findings.append(fine("trades", f"{state.unknown} closed trades tell no profit and count nowhere"))
    figures = _UNKNOWN | {
        "balance": state.balance,
        "total_return_percent": state.return_percent,
        "closed_trades": count,
        "trades_without_profit": state.unknown,
        "win_rate": wins.figures(),
        "average_profit": average,
    }
    return ReportContent(", ".join(parts), figures, findings)


def _rate_words(rate: MeasuredRatio) -> str:
    if rate.value is None or rate.low is None or rate.high is None:
        return "no closed trades"
    return f"{rate.value:.0%} of {rate.count} closed trades won (interval {rate.low:.0%} to {rate.high:.0%})"
