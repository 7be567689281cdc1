"""Prompts and replies on record: an equal prompt is answered by the reply that was paid for."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Generic

from cachetools import LRUCache
from loguru import logger

from config.llm_settings import LlmSettings
from domain.errors import LlmUnavailable, StorageUnavailable
from services.llm.calling.calls import ASKED_ELSEWHERE, Completion, LlmRequest
from services.llm.cost_ledger import CostLedger
from services.llm.prompt import Prompt
from services.llm.replies import Reply, read_reply
from services.llm.sharing import LlmSharing
from storage.document_ports import LLM_REPLIES, LastingDocuments
from utils import metrics
from utils.clock import Clock
from utils.concurrency import SingleFlight

if TYPE_CHECKING:
    from services.llm.calling.client import LlmClient

# A store that is slow or down must not delay an analysis by more.
LOOK_UP_SECONDS = 0.1
MAX_RECENT = 256
USED = "used"


@dataclass(frozen=True)
class Answered(Generic[Reply]):
    """A reply that fits its schema.

    Attributes:
        model: The model that was asked.
        cost_nano_usd: Of this answer: 0 when it was paid for before, None when it is not known.
    """

    reply: Reply
    model: str
    cost_nano_usd: int | None


@dataclass(frozen=True)
class _Kept:
    content: str
    model: str


class Journal:
    """Stores replies under a hash of endpoint, model and prompt; only replies that were used answer again."""

    def __init__(
        self,
        client: LlmClient,
        ledger: CostLedger,
        documents: LastingDocuments,
        settings: LlmSettings,
        clock: Clock,
        sharing: LlmSharing,
    ) -> None:
        """Keep the parts; `sharing` lets one replica at a time ask a question."""
        self._sharing = sharing
        self._client = client
        self._ledger = ledger
        self._documents = documents
        self._settings = settings
        self._clock = clock
        self._recent: LRUCache[str, _Kept] = LRUCache(MAX_RECENT)
        self._flights: SingleFlight[tuple[_Kept, int | None]] = SingleFlight()

    async def ask(self, prompt: Prompt, reply: type[Reply], *, purpose: str, symbol: str) -> Answered[Reply]:
        """Return the reply to a prompt; concurrent equal prompts share one call.

        Raises:
            LlmUnavailable: there is no reply, or it does not fit its schema.
        """
        key = self._key(prompt)
        request = LlmRequest(prompt.system, prompt.user, prompt.reply_schema, purpose, symbol)
        kept, cost = await self._flights.do(key, lambda: self._find_or_ask(key, prompt, request, reply))
        return Answered(read_reply(reply, kept.content), kept.model, cost)

    async def close(self) -> None:
        """Cancel the running calls."""
        await self._flights.close()

    async def _find_or_ask(
        self, key: str, prompt: Prompt, request: LlmRequest, reply: type[Reply]
    ) -> tuple[_Kept, int | None]:
        kept = self._recent.get(key) or await self._stored(key, reply)
        if kept is not None:
            return self._reused(key, kept, request)
        try:
            async with self._sharing.asking(key, self._settings.total_timeout_seconds) as asked_elsewhere:
                if not asked_elsewhere:
                    return await self._ask(key, prompt, request, reply)
        except TimeoutError:
            asked_elsewhere = True
        # Like callers of one process, who share the error of the call that they share.
        kept = await self._stored(key, reply) if asked_elsewhere else None
        if kept is None:
            raise LlmUnavailable("another replica asked the same, and has no answer", ASKED_ELSEWHERE)
        return self._reused(key, kept, request)

    def _reused(self, key: str, kept: _Kept, request: LlmRequest) -> tuple[_Kept, int | None]:
        metrics.LLM_REUSED.labels(request.purpose).inc()
        self._recent[key] = kept
        return kept, 0

    async def _ask(self, key: str, prompt: Prompt, request: LlmRequest, reply: type[Reply]) -> tuple[_Kept, int | None]:
        completion = await self._client.complete(request)
        cost = self._ledger.cost_nano_usd(completion.model, completion.usage)
        try:
            content = _usable(completion, reply)
        except LlmUnavailable as refusal:
            self._record(key, prompt, request, completion, cost, f"{refusal.reason}: {refusal.message}")
            await self._ledger.settle()
            raise
        self._record(key, prompt, request, completion, cost, USED)
        await self._ledger.settle()
        kept = _Kept(content, completion.model)
        self._recent[key] = kept
        return kept, cost

    async def _stored(self, key: str, reply: type[Reply]) -> _Kept | None:
        try:
            async with asyncio.timeout(LOOK_UP_SECONDS):
                document = await self._documents.get(LLM_REPLIES, key)
        except (StorageUnavailable, TimeoutError):
            return None
        if document is None or document["verdict"] != USED:
            return None
        kept = _Kept(document["reply"], document["model"])
        try:
            read_reply(reply, kept.content)
        except LlmUnavailable:  # stored by a release with another schema
            return None
        return kept

    def _record(
        self, key: str, prompt: Prompt, request: LlmRequest, completion: Completion, cost: int | None, verdict: str
    ) -> None:
        usage = completion.usage
        document = {
            "created_at": self._clock.now(),
            "purpose": request.purpose,
            "symbol": request.symbol,
            "prompt_version": prompt.version,
            "system": prompt.system,
            "user": prompt.user,
            "reply": completion.content,
            "refusal": completion.refusal,
            "finish_reason": completion.finish_reason,
            "model": completion.model,
            "model_answered": completion.model_answered,
            "input_tokens": usage.input if usage else None,
            "cached_input_tokens": usage.cached_input if usage else None,
            "output_tokens": usage.output if usage else None,
            "cost_nano_usd": cost,
            "latency_seconds": completion.latency_seconds,
            "request_id": completion.request_id,
            "verdict": verdict,
        }
        self._documents.put_later(LLM_REPLIES, key, document)
        if verdict != USED:
            logger.bind(purpose=request.purpose, symbol=request.symbol, verdict=verdict).warning("LLM reply not used")

    def _key(self, prompt: Prompt) -> str:
        asked = [self._settings.base_url, self._settings.model, prompt.version, prompt.system, prompt.user]
        return sha256(json.dumps([*asked, prompt.reply_schema.schema]).encode()).hexdigest()


def _usable(completion: Completion, reply: type[Reply]) -> str:
    """Return the content of a reply that fits its schema.

    Raises:
        LlmUnavailable: it is no answer; one that only does not fit is counted here.
    """
    content = completion.text
    try:
        read_reply(reply, content)
    except LlmUnavailable as refusal:
        metrics.GPT4_FAILURES.labels(refusal.reason).inc()
        raise
    return content
