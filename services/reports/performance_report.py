"""The daily report of performance: win rate and Sharpe ratio of what callers were given, and of the engine's trades."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, timedelta
from typing import Any

from config.report_settings import ReportSettings
from domain.ledger.entries import LONGEST_HORIZON, PLAN
from domain.reports import ReportFinding
from services.ledger.scoring.queries import Grouping
from services.ledger.scoring.records import Record
from services.ledger.scoring.scores import LedgerScores
from services.market_data.fetching import SourceFailed
from services.reports.engine_account import AccountState, EngineAccount
from services.reports.findings import ReportContent, critical, fine, warning
from services.reports.ratios import MeasuredRatio, sharpe_ratio, win_rate

_BPS = 10_000
# Plans of slow candles are open for days and tell little independently; the longest horizon stands in for them.
_HORIZONS = (PLAN, LONGEST_HORIZON)
_Ratios = tuple[MeasuredRatio, MeasuredRatio]


class PerformanceReporter:
    """Judges settled signals by the targets, and closed trades where there is an engine."""

    def __init__(self, scores: LedgerScores, account: EngineAccount, settings: ReportSettings) -> None:
        self._scores = scores
        self._account = account
        self._settings = settings

    async def report(self) -> ReportContent:
        """Return the report; figures of too few results are named and not judged.

        Raises:
            StorageUnavailable: the ledger does not answer.
        """
        days = self._settings.performance_days
        most = self._telling(await self._scores.given(days))
        by_day = []
        if most is not None:
            of_all = await self._scores.given(days, Grouping.DAY)
            judged = most.key.timeframe, most.key.horizon
            by_day = [record for record in of_all if (record.key.timeframe, record.key.horizon) == judged]
        signals = await asyncio.to_thread(_of_signals, most, by_day)
        findings = list(self._judged("signals", *signals, None if most is None else most.effective))
        figures: dict[str, Any] = {
            "days": days,
            "signals": None if most is None else _of_record(most) | _figures(signals),
            "trades": None,
            "targets": {
                name: getattr(self._settings, name)
                for name in ("win_rate_target", "win_rate_critical", "sharpe_target", "sharpe_critical")
            },
        }
        words = [_words("signals", *signals)]
        if self._account.configured:
            try:
                trades = await asyncio.to_thread(_of_trades, await self._account.read())
            except SourceFailed as failure:
                findings.append(warning("engine", f"the trading engine {failure.message}: its trades are not judged"))
            else:
                findings.extend(self._judged("trades", *trades, trades[0].count))
                figures["trades"] = _figures(trades)
                words.append(_words("trades", *trades))
        return ReportContent("; ".join(words), figures, findings)

    def _telling(self, given: Sequence[Record]) -> Record | None:
        """Return the record to judge by: that of plans, or of the longest horizon while independent plans are too few.

        Of several timeframes it is the one with the most calls: they overlap, so they are not added up.
        """
        found = []
        for horizon in _HORIZONS:
            of_one = [record for record in given if record.key.horizon == horizon]
            if of_one:
                found.append(max(of_one, key=lambda record: record.count))
        enough = [record for record in found if record.effective >= self._settings.least_results]
        return next(iter(enough or found), None)

    def _judged(
        self, what: str, wins: MeasuredRatio, sharpe: MeasuredRatio, effective: float | None
    ) -> Iterator[ReportFinding]:
        settings, least = self._settings, self._settings.least_results
        subject = f"win rate of {what}"
        if wins.value is None or (effective or 0) < least:
            told = 0 if effective is None else effective
            yield fine(subject, f"insufficient: {told:.0f} independent {what} have a result, {least} are needed")
        else:
            yield from _below(subject, wins, settings.win_rate_target, settings.win_rate_critical, what, "{:.0%}")
        subject = f"Sharpe ratio of {what}"
        if sharpe.value is None or sharpe.count < least:
            yield fine(subject, f"insufficient: {sharpe.count} days of {what} have varying results, {least} are needed")
        else:
            yield from _below(subject, sharpe, settings.sharpe_target, settings.sharpe_critical, "days", "{:.2f}")


def _of_record(record: Record) -> dict[str, Any]:
    horizon = "plan" if record.key.horizon == PLAN else record.key.horizon
    return {"timeframe": record.key.timeframe, "horizon": horizon, "effective": record.effective}


def _of_signals(record: Record | None, by_day: Sequence[Record]) -> _Ratios:
    """Return win rate, with the record's own interval, and Sharpe ratio of the daily mean results after costs."""
    if record is None:
        return win_rate(0, 0), sharpe_ratio([])
    daily = {one.key.day: one.net_bps / _BPS for one in by_day if one.key.day and one.net_bps is not None and one.count}
    return MeasuredRatio(record.hit_rate, record.count, record.low, record.high), sharpe_ratio(_every_day(daily))


def _of_trades(state: AccountState) -> _Ratios:
    """Return win rate and Sharpe ratio of the daily profits, as of an account that is not compounded."""
    daily: dict[date, float] = {}
    for trade in state.trades:
        if trade.closed_at is not None:
            day = trade.closed_at.astimezone(UTC).date()
            daily[day] = daily.get(day, 0.0) + trade.profit
    wins = win_rate(sum(trade.profit > 0 for trade in state.trades), len(state.trades))
    return wins, sharpe_ratio(_every_day(daily))


def _every_day(daily: Mapping[date | None, float] | Mapping[date, float]) -> list[float]:
    """Return the results of every day from the first to the last; 0 of a day without any."""
    known = {day: result for day, result in daily.items() if day is not None}
    if not known:
        return []
    first = min(known)
    return [known.get(first + timedelta(days=ahead), 0.0) for ahead in range((max(known) - first).days + 1)]


def _below(
    subject: str, found: MeasuredRatio, target: float, critical_below: float, what: str, form: str
) -> Iterator[ReportFinding]:
    if found.value is None or found.low is None or found.high is None or found.value >= target:
        return
    figure, low, high, wanted, least = map(form.format, (found.value, found.low, found.high, target, critical_below))
    text = f"the {subject} is {figure} over {found.count} {what} (interval {low} to {high}); the target is {wanted}"
    if found.value < critical_below:
        yield critical(subject, f"{text}, and below {least} is critical")
    else:
        yield warning(subject, text)


def _words(what: str, wins: MeasuredRatio, sharpe: MeasuredRatio) -> str:
    rate = f"no settled {what}" if wins.value is None else f"{wins.value:.0%} of {wins.count} {what} won"
    return rate if sharpe.value is None else f"{rate}, Sharpe ratio {sharpe.value:.2f} over {sharpe.count} days"


def _figures(ratios: _Ratios) -> dict[str, Any]:
    wins, sharpe = ratios
    return {"win_rate": wins.figures(), "sharpe_ratio": sharpe.figures()}
