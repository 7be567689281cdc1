"""Calls about reports, notices and webhooks; all of them need the administrator's token."""

from __future__ import annotations

from trading_signal_client import answers
from trading_signal_client.calls.call import Call


def reports(kind: answers.ReportKind | None = None, *, limit: int = 20) -> Call[answers.Reports]:
    """Ask for the newest reports, of one kind or all (admin)."""
    query: dict[str, int | str] = {"limit": limit} if kind is None else {"limit": limit, "kind": kind}
    return Call("reports", "GET", "/ai/reports", answers.Reports, query=query)


def report(report_id: str) -> Call[answers.Report]:
    """Ask for one report (admin)."""
    return Call("report", "GET", "/ai/reports/{report_id}", answers.Report, parameters={"report_id": report_id})


def notices(limit: int = 20) -> Call[answers.Notices]:
    """Ask for the newest messages to the operators (admin)."""
    return Call("notices", "GET", "/ai/notices", answers.Notices, query={"limit": limit})


def dead_letters(limit: int = 20) -> Call[answers.DeadLetters]:
    """Ask for the newest signals that did not reach a receiver of webhooks (admin)."""
    return Call("dead_letters", "GET", "/ai/webhooks/dead-letters", answers.DeadLetters, query={"limit": limit})


def retry_dead_letter(delivery_id: str) -> Call[answers.DeadLetterRetried]:
    """Try to deliver a signal again, under the same id (admin)."""
    path, parameters = "/ai/webhooks/dead-letters/{delivery_id}/retry", {"delivery_id": delivery_id}
    return Call("retry_dead_letter", "POST", path, answers.DeadLetterRetried, {}, parameters)
