"""Capabilities of an endpoint, learned from refusals: missing models, accepted forms of reply."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum

import msgspec
from loguru import logger

from services.llm.calling.calls import ReplySchema
from services.llm.calling.key_ring import CallOutcome

# An account may get a model later, so a missing one is tried again.
MISSING_SECONDS = 3600.0


class ReplyForm(StrEnum):
    """How a reply is held to its schema, from the strictest down."""

    SCHEMA = "json_schema"
    JSON = "json_object"
    TEXT = "text"


_NEXT = {ReplyForm.SCHEMA: ReplyForm.JSON, ReplyForm.JSON: ReplyForm.TEXT}


class Capabilities:
    """Assumes that the endpoint can do everything, and records each refusal."""

    def __init__(self, models: Sequence[str], monotonic: Callable[[], float]) -> None:
        """Keep the models, in the order in which they are to be asked."""
        self._models = tuple(dict.fromkeys(models))
        self._monotonic = monotonic
        self._missing_until: dict[str, float] = {}
        self._forms = dict.fromkeys(self._models, ReplyForm.SCHEMA)

    def model(self) -> str | None:
        """Return the model to ask, or None when the endpoint has none of them."""
        now = self._monotonic()
        return next((model for model in self._models if self._missing_until.get(model, now) <= now), None)

    def form(self, model: str) -> ReplyForm:
        """Return the strictest form of reply that the model is not known to refuse."""
        return self._forms[model]

    def learn(self, model: str, form: ReplyForm, outcome: CallOutcome) -> bool:
        """Record a refusal; return whether another try will differ."""
        if outcome is CallOutcome.MODEL_UNKNOWN:
            self._missing_until[model] = self._monotonic() + MISSING_SECONDS
            logger.bind(model=model, instead=self.model()).warning("the LLM's endpoint does not know the model")
            return self.model() is not None
        if outcome is CallOutcome.FORMAT_REFUSED and form in _NEXT:
            self._step_down(model, form, "the LLM's endpoint refuses a form of reply")
            return True
        return False

    def see(self, model: str, form: ReplyForm, schema: ReplySchema, content: str) -> None:
        """Record a reply that does not match its schema: some endpoints ignore a form that they do not know."""
        if form is ReplyForm.SCHEMA and not _has_every_key(schema, content):
            self._step_down(model, form, "the LLM's endpoint ignores a form of reply")

    def _step_down(self, model: str, form: ReplyForm, why: str) -> None:
        if self._forms[model] is form:
            self._forms[model] = _NEXT[form]
        logger.bind(model=model, form=form.value, instead=_NEXT[form].value).warning(why)


def _has_every_key(schema: ReplySchema, content: str) -> bool:
    try:
        reply = msgspec.json.decode(content)
    except (msgspec.MsgspecError, RecursionError):
        return False
    return isinstance(reply, dict) and reply.keys() >= set(schema.schema["required"])
