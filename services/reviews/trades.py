"""Reviews of closed trades, in the background, one per trade."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from itertools import chain
from typing import Any

from cachetools import FIFOCache
from loguru import logger
from pydantic import ValidationError

from config.settings import TradeSettings
from domain.analysis import AnalysisSource
from domain.errors import JobQueueFull, LlmUnavailable, StorageUnavailable
from domain.trading.trades import ClosedTrade
from services.llm.advisor import Advisor, count_fallback
from services.llm.grounding import FigureCheck
from services.llm.journal import Journal
from services.reviews.trade_prompt import trade_prompt
from services.reviews.trade_reply import TradeReply
from storage.document_ports import TRADE_ANALYSES, TRADES_TO_REVIEW, DocumentStore, LastingDocuments
from utils.clock import Clock
from utils.concurrency import background

PURPOSE = "trade"
MAX_REMEMBERED = 10_000


class TradeReviews:
    """Reviews trades one after the other, by the LLM where it answers, else by their plain figures.

    A trade is stored before it is accepted, in its own collection until its review is stored. Trades of strangers may
    be invented: they have a small queue of their own, come last and are never sent to the LLM.
    """

    def __init__(
        self,
        journal: Journal | None,
        documents: LastingDocuments,
        settings: TradeSettings,
        clock: Clock,
        patience: Callable[[], Awaitable[None]],
    ) -> None:
        """Keep the journal, None without an LLM, the store of reviews, and what waits for a key."""
        self._advisor = Advisor(journal, TradeReply, purpose=PURPOSE) if journal else None
        self._patience = patience
        self._documents = documents
        self._clock = clock
        # By whether they are trusted, oldest first.
        self._waiting: dict[bool, dict[str, ClosedTrade]] = {True: {}, False: {}}
        self._arriving = {True: 0, False: 0}
        self._most = {True: settings.max_waiting, False: settings.max_waiting_strangers}
        self._accepted: FIFOCache[str, bool] = FIFOCache(MAX_REMEMBERED)
        self._arrived = asyncio.Event()

    @asynccontextmanager
    async def reviewing(self) -> AsyncIterator[None]:
        """Review while the block runs, first what an earlier process left; the rest waits for the next start."""
        self._documents.first(self._look_back)
        async with background(self._run(), "trade reviews"):
            yield
        if waiting := sum(map(len, self._waiting.values())):
            logger.bind(trades=waiting).info("trades wait for their review until the next start")

    async def accept(self, trade: ClosedTrade) -> bool:
        """Accept a trade once a crash would not lose it; return False for one accepted before.

        A stranger's trade may be invented: a trusted client's trade of the same id replaces it.

        Raises:
            JobQueueFull: the queue of trusted clients or of strangers is full.
            StorageUnavailable: neither the store nor the spool takes it.
        """
        before = self._accepted.get(trade.trade_id)
        if not _counts_more(trade, before):
            await self._documents.settle()  # the first one may still be on its way to the store
            return False
        most = self._most[trade.trusted]
        if len(self._waiting[trade.trusted]) + self._arriving[trade.trusted] >= most:
            raise JobQueueFull(f"{most} trades wait to be reviewed already; try again later")
        self._accepted[trade.trade_id] = trade.trusted
        self._arriving[trade.trusted] += 1
        try:
            document = {"created_at": self._clock.now(), "trade": trade.model_dump()}
            await self._documents.put(TRADES_TO_REVIEW, _waiting_key(trade), document)
        except BaseException:
            if before is None:
                self._accepted.pop(trade.trade_id, None)
            else:
                self._accepted[trade.trade_id] = before
            raise
        finally:
            self._arriving[trade.trusted] -= 1
        self._enqueue(trade)
        return True

    def _enqueue(self, trade: ClosedTrade) -> None:
        self._waiting[trade.trusted][trade.trade_id] = trade
        self._arrived.set()

    async def _look_back(self, store: DocumentStore) -> None:
        """Queue the trades that an earlier process accepted and did not review, in their order."""
        left = await store.newest(TRADES_TO_REVIEW, sum(self._most.values()))
        for document in reversed(left):
            try:
                trade = ClosedTrade.model_validate(document.get("trade"))
            except ValidationError:
                logger.bind(trade_id=document["trade_id"]).error("a stored trade does not fit this version")
                continue
            if _counts_more(trade, self._accepted.get(trade.trade_id)):
                self._accepted[trade.trade_id] = trade.trusted
                self._enqueue(trade)
        if left:
            logger.bind(trades=len(left)).info("trades of an earlier process are reviewed")

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while trade := self._next():
                try:
                    stored = await self._stored(trade)
                    if _counts_more(trade, stored):
                        self._keep(trade, await self._review(trade), replace=stored is not None)
                    self._documents.discard_later(TRADES_TO_REVIEW, _waiting_key(trade))
                except Exception:  # noqa: BLE001 - a defect with one trade must not end the reviews
                    logger.bind(trade_id=trade.trade_id).exception("reviewing a trade failed unexpectedly")
                if self._waiting[trade.trusted].get(trade.trade_id) is trade:
                    del self._waiting[trade.trusted][trade.trade_id]

    def _next(self) -> ClosedTrade | None:
        """Return the oldest trade of a trusted client, else of a stranger."""
        return next(chain.from_iterable(map(dict.values, (self._waiting[True], self._waiting[False]))), None)

    async def _stored(self, trade: ClosedTrade) -> bool | None:
        """Return whether the stored review is of a trusted client's trade; None where there is none."""
        try:
            known = await self._documents.get(TRADE_ANALYSES, trade.trade_id)
        except StorageUnavailable:
            # Nothing else slows the reviews down now: they would crowd accepted trades out of the memory.
            with suppress(StorageUnavailable):  # what is not safe yet waits on
                await self._documents.settle()
            return None  # an existing review stays when this one is written
        return None if known is None else bool(known["trade_data"].get("trusted", True))

    async def _review(self, trade: ClosedTrade) -> dict[str, Any]:
        if self._advisor is None or not trade.trusted:
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
            "trusted": trade.trusted,
        }
        self._documents.put_later(TRADE_ANALYSES, trade.trade_id, document, once=not replace)
        logger.bind(trade_id=trade.trade_id, source=str(review["source"])).info("trade reviewed")


def _waiting_key(trade: ClosedTrade) -> str:
    """Return the key of a waiting trade; a stranger's never replaces a trusted client's."""
    return trade.trade_id if trade.trusted else f"stranger {trade.trade_id}"


def _counts_more(trade: ClosedTrade, known: bool | None) -> bool:
    """Return whether a trade is to be reviewed: it is new, or known only from a stranger."""
    return known is None or (trade.trusted and not known)


def _held_to_the_facts(reply: TradeReply, check: FigureCheck) -> dict[str, Any]:
    """Return the review with figures marked that are not those of the trade."""
    return {
        name: check.mark(said) if isinstance(said, str) else [check.mark(point) for point in said]
        for name, said in reply.model_dump().items()
    }


def plain_review(trade: ClosedTrade) -> dict[str, Any]:
    """Return the review of a trade by its own figures."""
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
