"""Asking the LLM: keys, models and forms of reply are tried within one total time, and every reply is booked."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, get_args

from loguru import logger

from config.llm_settings import LlmSettings
from domain.errors import LlmUnavailable
from services.llm.calling.calls import (
    NO_READY_KEY,
    OVER_BUDGET,
    Allow,
    Book,
    CallEstimate,
    Completion,
    LlmCall,
    LlmRequest,
    Reserve,
    Unusable,
)
from services.llm.calling.capabilities import Capabilities, ReplyForm
from services.llm.calling.envelope import Envelope, read_envelope, usage_of
from services.llm.calling.failures import IN_WORDS, Failure
from services.llm.calling.key_ring import NOT_THE_KEYS_FAULT, CallOutcome, KeyRing, KeyState, KeyStatus
from services.llm.calling.key_turns import KeyTurns
from services.llm.calling.payload import payload_of
from services.llm.sharing import ALONE, LlmSharing
from utils import metrics
from utils.clock import Clock

if TYPE_CHECKING:
    from services.llm.calling.endpoint import RawReply

# With less than this share of the total time left a call would fail and rest its key without reason.
LEAST_SHARE = 0.1
# English prose has four characters per token, figures two to three: an upper estimate.
CHARACTERS_PER_TOKEN = 2
_ENDPOINT_TROUBLE = frozenset({Unusable.MALFORMED, Unusable.BROKEN_OFF, Unusable.TOO_LARGE})


class LlmClient:
    """Gets a reply with the first key that works; `turns` gives out the keys."""

    def __init__(
        self,
        settings: LlmSettings,
        *,
        book: Book,
        allow: Allow,
        clock: Clock,
        reserve: Reserve = lambda _: nullcontext(),
        sharing: LlmSharing = ALONE,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make the parts; nothing is sent yet.

        Args:
            settings: With a key or a base URL, so `enabled`.
            book: Called once for every reply, before it is judged.
            allow: Asked before every call; says why it must not be made, or None.
            clock: Dates what is booked.
            reserve: Entered around every call, with the estimate that `allow` has let pass.
            sharing: Takes the turns of keys beside other replicas.
            monotonic: Seconds that never jump back, for spacing, rests and the total time.
        """
        from services.llm.calling.endpoint import Endpoint  # costs 48 MB, which only an LLM is worth

        self._settings = settings
        self._endpoint = Endpoint(settings, clock)
        self._ring = KeyRing(
            max(len(settings.keys), 1),
            spacing_seconds=settings.spacing_seconds,
            rests=settings.rests,
            monotonic=monotonic,
            groups=settings.key_groups,
        )
        self.turns = KeyTurns(self._ring, sharing, settings)
        self._capabilities = Capabilities((settings.model, *settings.fallback_models), monotonic)
        self._book = book
        self._allow = allow
        self._reserve = reserve
        self._clock = clock
        self._monotonic = monotonic
        for status in get_args(KeyStatus):
            metrics.LLM_KEYS.labels(status).set_function(partial(self._count, status))

    async def close(self) -> None:
        """Close the connections."""
        await self._endpoint.close()

    def key_states(self) -> list[KeyState]:
        """Return the state of every key, for operators."""
        return self._ring.states()

    def ready_in_seconds(self) -> float | None:
        """Return when a key will be ready: 0 for now, None for never. No request may wait for it."""
        return self._ring.ready_in_seconds()

    async def complete(self, request: LlmRequest) -> Completion:
        """Return the reply to a request, at the latest after the total time; never wait for a key.

        A key that fails is followed by the next one that is ready. A model that the endpoint
        does not know, or a form of reply that it refuses, is followed by the next on the same
        key: such a refusal is no call, it is neither billed nor counted against a limit.

        Raises:
            LlmUnavailable: there is no reply; its `reason` says why in one word.
        """
        try:
            completion = await self._from_any_key(request)
        except LlmUnavailable as unavailable:
            metrics.LLM_OUTCOMES.labels(unavailable.reason).inc()
            raise
        if completion.unusable:
            metrics.GPT4_FAILURES.labels(completion.unusable.value).inc()
        metrics.LLM_OUTCOMES.labels(completion.unusable or CallOutcome.ANSWERED).inc()
        return completion

    async def _from_any_key(self, request: LlmRequest) -> Completion:
        deadline = self._monotonic() + self._settings.total_timeout_seconds
        least_seconds = self._settings.total_timeout_seconds * LEAST_SHARE
        failure: Failure | None = None
        # at most one try per key: without spacing and rests a key is ready again at once
        for _ in self._ring.states():
            if deadline - self._monotonic() < least_seconds:
                break
            self._permitted_model(request)
            number = await self.turns.acquire()
            if number is None:
                break
            if failure is None:
                metrics.GPT4_CALLS.inc()
            answer = await self._from_key(number, request, deadline)
            if isinstance(answer, Completion):
                trouble = answer.unusable in _ENDPOINT_TROUBLE
                self._ring.report(number, CallOutcome.SERVER_ERROR if trouble else CallOutcome.ANSWERED)
                return answer
            self._ring.report(number, answer.outcome, answer.retry_after_seconds)
            logger.bind(key=number, outcome=answer.outcome.value, detail=answer.detail).warning("LLM call failed")
            failure = answer
            if failure.outcome in NOT_THE_KEYS_FAULT:
                break
        if failure is None:
            raise LlmUnavailable(self._why_no_key(), NO_READY_KEY)
        metrics.GPT4_FAILURES.labels(failure.outcome.value).inc()
        words = f"the LLM gave no answer: {IN_WORDS[failure.outcome]}"
        raise LlmUnavailable(words, failure.outcome.value, failure.detail)

    async def _from_key(self, number: int, request: LlmRequest, deadline: float) -> Completion | Failure:
        while True:
            model = self._permitted_model(request)
            form = self._capabilities.form(model) if request.reply_schema else ReplyForm.TEXT
            payload = payload_of(request, model, form, self._settings, self._capabilities.refused_parameters(model))
            began = self._monotonic()
            seconds = min(self._settings.call_timeout_seconds, deadline - began)
            async with self._reserve(self._estimate(request, model)):
                answer = await self._endpoint.send(number, payload, seconds)
                if not isinstance(answer, Failure):
                    completion = self._booked(answer, request, model, number, self._monotonic() - began)
                    if request.reply_schema and not completion.unusable:
                        self._capabilities.see(model, form, request.reply_schema, completion.text)
                    return completion
            if not self._capabilities.learn(model, form, answer):
                return answer

    def _permitted_model(self, request: LlmRequest) -> str:
        """Return the model to ask.

        Raises:
            LlmUnavailable: the endpoint has none of them, or the budget forbids the call.
        """
        model = self._capabilities.model()
        if model is None:
            outcome = CallOutcome.MODEL_UNKNOWN
            raise LlmUnavailable(f"the LLM gave no answer: {IN_WORDS[outcome]}", outcome.value)
        refusal = self._allow(self._estimate(request, model))
        if refusal is not None:
            raise LlmUnavailable(f"the LLM is not asked: {refusal}", OVER_BUDGET)
        return model

    def _estimate(self, request: LlmRequest, model: str) -> CallEstimate:
        schema = json.dumps(request.reply_schema.schema) if request.reply_schema else ""
        characters = sum(len(text.encode()) for text in (request.system, request.user, schema))
        return CallEstimate(model, math.ceil(characters / CHARACTERS_PER_TOKEN), self._settings.max_output_tokens)

    def _booked(self, reply: RawReply, request: LlmRequest, model: str, number: int, seconds: float) -> Completion:
        usage = usage_of(reply.body)
        envelope = read_envelope(reply.body)
        # A reply that repeats a key is neither used nor logged; its content may come in parts that divide the key.
        texts = reply.body, f"{envelope.content}\n{envelope.refusal}".encode("utf-8", "replace")
        if any(key.encode() in text for key in self._settings.secret_keys for text in texts):
            envelope = Envelope(unusable=Unusable.KEY_ECHOED)
        self._book(
            LlmCall(
                at=self._clock.now(),
                purpose=request.purpose,
                symbol=request.symbol,
                model=model,
                model_answered=envelope.model,
                usage=usage,
                latency_seconds=seconds,
                key_number=number,
                request_id=reply.request_id,
                estimate=self._estimate(request, model),
            )
        )
        metrics.LLM_LATENCY.observe(seconds)
        for kind, tokens in (asdict(usage) if usage else {}).items():
            metrics.LLM_TOKENS.labels(kind).inc(tokens)
        return Completion(
            content=envelope.content,
            usage=usage,
            model=model,
            model_answered=envelope.model,
            finish_reason=envelope.finish_reason,
            refusal=envelope.refusal,
            unusable=reply.unusable or envelope.unusable,
            latency_seconds=seconds,
            key_number=number,
            request_id=reply.request_id,
        )

    def _why_no_key(self) -> str:
        waiting = [state for state in self.key_states() if state.ready_in_seconds is not None]
        if not waiting:
            return "the LLM is not asked: every key was refused as not valid"
        first = min(waiting, key=lambda state: state.ready_in_seconds or 0.0)
        why = f": {IN_WORDS[first.reason]}" if first.reason else ""
        return f"the LLM is not asked: no key is ready, the next one is in {first.ready_in_seconds:.1f} s{why}"

    def _count(self, status: KeyStatus) -> int:
        return sum(state.status == status for state in self._ring.states())
