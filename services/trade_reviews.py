"""Looking back at closed trades, in the background and once each."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from loguru import logger

from domain.analysis import AnalysisSource
from domain.errors import JobQueueFull, LlmUnavailable, StorageUnavailable
from domain.trades import ClosedTrade
from services.llm.advisor import Advisor, count_fallback
from services.llm.grounding import FigureCheck
from services.llm.journal import Journal
from services.llm.prompts.trade import trade_prompt
from services.llm.trade_reply import TradeReply
from services.pending_documents import PendingDocuments
from storage.document_ports import TRADE_ANALYSES, DocumentStore
from utils.clock import Clock

PURPOSE = "trade"
MAX_WAITING = 1_000
MAX_REMEMBERED = 10_000


class TradeReviews:
    """Reviews trades one after the other, by the LLM where it answers, else by their plain figures."""

    def __init__(
        self,
        journal: Journal | None,
        documents: DocumentStore,
        pending: PendingDocuments,
        clock: Clock,
        patience: Callable[[], Awaitable[None]],
    ) -> None:
        """Take who asks the LLM, None where none is configured, where reviews are kept, and what waits for a key."""
        self._advisor = Advisor(journal, TradeReply, purpose=PURPOSE) if journal else None
        self._patience = patience
        self._documents = documents
        self._pending = pending
        self._clock = clock
        self._waiting: dict[str, ClosedTrade] = {}
        self._accepted: OrderedDict[str, bool] = OrderedDict()
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Start to review."""
        self._task = asyncio.create_task(self._run(), name="trade reviews")

    async def close(self) -> None:
        """Review what still waits by its figures alone, and stop."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        for trade in self._waiting.values():
            self._keep(trade, plain_review(trade))

    def accept(self, trade: ClosedTrade) -> bool:
        """Take a trade to review; return False for one that was taken before.

        A stranger's trade may be invented: it gives way to a trusted client's of the same id.

        Raises:
            JobQueueFull: as many wait already as may.
        """
        if not _counts_more(trade, self._accepted.get(trade.trade_id)):
            return False
        if len(self._waiting) >= MAX_WAITING:
            raise JobQueueFull(f"{MAX_WAITING} trades wait to be reviewed already; try again later")
        self._waiting[trade.trade_id] = trade
        self._accepted[trade.trade_id] = trade.trusted
        if len(self._accepted) > MAX_REMEMBERED:
            self._accepted.popitem(last=False)
        self._arrived.set()
        return True

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            for trade in list(self._waiting.values()):
                try:
                    stored = await self._stored(trade)
                    if _counts_more(trade, stored):
                        self._keep(trade, await self._review(trade), replace=stored is not None)
                except Exception:  # noqa: BLE001 - a fault of ours, met by one trade, must not end the reviews
                    logger.bind(trade_id=trade.trade_id).exception("reviewing a trade failed unexpectedly")
                if self._waiting.get(trade.trade_id) is trade:
                    del self._waiting[trade.trade_id]

    async def _stored(self, trade: ClosedTrade) -> bool | None:
        """Return whether the stored review is of a trusted client's trade; None where there is none."""
        try:
            known = await self._documents.get(TRADE_ANALYSES, trade.trade_id)
        except StorageUnavailable:
            return None  # one that is there stays as it is when this one is written
        return None if known is None else bool(known["trade_data"].get("trusted", True))

    async def _review(self, trade: ClosedTrade) -> dict[str, Any]:
        if self._advisor is None:
            return plain_review(trade)
        try:
            prompt = trade_prompt(trade)
            await self._patience()
            advised = await self._advisor.ask(prompt, trade.symbol, _held_to_the_facts)
        except LlmUnavailable as unavailable:
            return plain_review(trade) | {"fallback_reason": count_fallback(unavailable)}
        return advised.value | {
            "source": AnalysisSource.LLM,
            "model": advised.model,
            "cost_usd": advised.cost_usd,
            "groundedness": advised.groundedness,
            "fallback_reason": None,
        }

    def _keep(self, trade: ClosedTrade, review: dict[str, Any], *, replace: bool = False) -> None:
        document = {
            "created_at": self._clock.now(),
            "is_winning": trade.is_winning,
            "pnl_usdt": trade.pnl_usdt,
            "pnl_percentage": trade.pnl_percentage,
            "symbol": trade.symbol,
            "side": trade.side,
            "entry_price": trade.entry_price,
            "exit_price": trade.exit_price,
            "close_reason": trade.close_reason,
            "analysis": review,
            "trade_data": trade.model_dump(),
        }
        self._pending.put(TRADE_ANALYSES, trade.trade_id, document, once=not replace)
        logger.bind(trade_id=trade.trade_id, source=str(review["source"])).info("trade reviewed")


def _counts_more(trade: ClosedTrade, known: bool | None) -> bool:
    """Return whether a trade is to be reviewed: nothing is known of it, or only what a stranger told."""
    return known is None or (trade.trusted and not known)


def _held_to_the_facts(reply: TradeReply, check: FigureCheck) -> dict[str, Any]:
    """Return the review with every figure marked that is none of the trade's."""
    return {
        name: check.mark(said) if isinstance(said, str) else [check.mark(point) for point in said]
        for name, said in reply.model_dump().items()
    }


def plain_review(trade: ClosedTrade) -> dict[str, Any]:
    """Return what the trade's own figures say."""
    move = abs(trade.move_percent)
    way = "its way" if trade.move_percent > 0 else "against it"
    outcome = "made" if trade.is_winning else "lost"
    summary = (
        f"The {trade.side} trade on {trade.symbol} {outcome} {abs(trade.pnl_usdt):.2f} USDT "
        f"({trade.pnl_percentage:+.2f} %): from {trade.entry_price:.6g} to {trade.exit_price:.6g} "
        f"the price moved {move:.2f} % {way}, with a leverage of {trade.leverage:g}."
    )
    moved = f"The price moved {move:.2f} % {way}."
    right = trade.move_percent > 0
    wrong = "The costs were more than the move gave." if right else moved
    return {
        "summary": summary,
        "what_went_well": [moved] if right else [],
        "what_went_wrong": [] if trade.is_winning else [wrong],
        "lessons": [],
        "source": AnalysisSource.TECHNICAL,
        "model": None,
        "cost_usd": None,
        "groundedness": None,
        "fallback_reason": None,
    }
