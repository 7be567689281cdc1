"""One call that tests whether the LLM answers, for operators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.errors import LlmUnavailable
from services.llm.calling.calls import LlmRequest
from services.llm.client_text import clean_text

if TYPE_CHECKING:
    from services.llm.calling.client import LlmClient

PURPOSE = "probe"
NOT_CONFIGURED = "not_configured"
_REQUEST = LlmRequest("Answer in one short sentence.", "Are you there?", None, PURPOSE)
_MAX_SHOWN = 200

_DIAGNOSES = {
    NOT_CONFIGURED: "set OPENAI_API_KEY, or OPENAI_BASE_URL for an endpoint of your own, and start again",
    "no_key": "no key is ready, see the error: try again later, check OPENAI_API_KEY, or add OPENAI_BACKUP_API_KEYS",
    "budget": "raise llm.budgets, wait for the next day or month, or see that the store can be reached",
    "asked_elsewhere": "another replica asked the same question and has no answer: see its log",
    "unauthorized": "the key is not valid: check OPENAI_API_KEY and start again",
    "forbidden": "the key may not be used for this: check its permissions, its project and the country",
    "quota": "the account has no money left or has reached its limit: check its billing",
    "rate_limited": "too many calls in a minute: raise OPENAI_REQUEST_DELAY",
    "timeout": "the endpoint did not answer in time: check the network, or raise llm.call_timeout_seconds",
    "connection": "the endpoint cannot be reached: check OPENAI_BASE_URL, the network and its proxies",
    "server_error": "the endpoint has a fault of its own: try again later",
    "model_unknown": "the endpoint knows none of the models: check llm.model and llm.fallback_models",
    "format_refused": "the endpoint refuses the form of the request: check that it speaks OpenAI's protocol",
    "parameter_refused": "the model takes no limit of the tokens that the service knows: check llm.models",
    "bad_request": "the endpoint refuses the request: check that OPENAI_BASE_URL has the API's path, such as "
    "http://localhost:11434/v1, and that the model takes llm.max_output_tokens",
}
_OTHER = "the endpoint answered, but not in OpenAI's protocol or not with an answer: check OPENAI_BASE_URL"


@dataclass(frozen=True)
class Probe:
    """Result of the call: an answer, or an error with its reason and a diagnosis."""

    answer: str | None = None
    model: str | None = None
    error: str | None = None
    reason: str | None = None
    diagnosis: str | None = None


async def probe(client: LlmClient | None) -> Probe:
    """Make one call and return its result."""
    if client is None:
        return _failed("no LLM is configured", NOT_CONFIGURED)
    try:
        completion = await client.complete(_REQUEST)
        answer = clean_text(completion.text, _MAX_SHOWN)
    except LlmUnavailable as unavailable:
        detail = f" ({unavailable.detail})" if unavailable.detail else ""
        return _failed(unavailable.message + detail, unavailable.reason)
    return Probe(answer=answer, model=completion.model_answered or completion.model)


def _failed(error: str, reason: str) -> Probe:
    return Probe(error=error, reason=reason, diagnosis=_DIAGNOSES.get(reason, _OTHER))
