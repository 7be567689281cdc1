"""Capabilities of an endpoint, learned from refusals for an hour: missing models, parameters, forms of reply."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import get_args

from loguru import logger

from config.llm_settings import TokensParameter
from services.llm.calling.calls import ReplySchema
from services.llm.calling.failures import Failure
from services.llm.calling.key_ring import CallOutcome
from services.llm.calling.reply_objects import objects_in

# An account may get a model later, and an endpoint learn a form of reply, so both are tried again.
RETRY_SECONDS = 3600.0


class ReplyForm(StrEnum):
    """How a reply is held to its schema, from the strictest down."""

    SCHEMA = "json_schema"
    JSON = "json_object"
    TEXT = "text"


class Capabilities:
    """Assumes that the endpoint can do everything, and remembers each refusal for `RETRY_SECONDS`."""

    def __init__(self, models: Sequence[str], monotonic: Callable[[], float]) -> None:
        """Keep the models, in the order in which they are to be asked."""
        self._models = tuple(dict.fromkeys(models))
        self._monotonic = monotonic
        self._missing_until: dict[str, float] = {}
        self._refused_until: dict[tuple[str, ReplyForm], float] = {}
        self._not_taken_until: dict[tuple[str, str], float] = {}

    def model(self) -> str | None:
        """Return the model to ask, or None when the endpoint has none of them."""
        now = self._monotonic()
        return next((model for model in self._models if self._missing_until.get(model, now) <= now), None)

    def form(self, model: str) -> ReplyForm:
        """Return the strictest form of reply that the model has not refused of late; plain text is always left."""
        now = self._monotonic()
        return next(form for form in ReplyForm if self._refused_until.get((model, form), now) <= now)

    def refused_parameters(self, model: str) -> frozenset[str]:
        """Return the parameters that the model has refused of late."""
        now = self._monotonic()
        return frozenset(
            name for (refusing, name), until in self._not_taken_until.items() if refusing == model and until > now
        )

    def learn(self, model: str, form: ReplyForm, failure: Failure) -> bool:
        """Record a refusal; return whether another try will differ."""
        outcome = failure.outcome
        if outcome is CallOutcome.PARAMETER_REFUSED and failure.parameter:
            return self._do_without(model, failure.parameter)
        if outcome is CallOutcome.MODEL_UNKNOWN:
            self._missing_until[model] = self._monotonic() + RETRY_SECONDS
            logger.bind(model=model, instead=self.model()).warning("the LLM's endpoint does not know the model")
            return self.model() is not None
        if outcome is CallOutcome.FORMAT_REFUSED and form is not ReplyForm.TEXT:
            self._step_down(model, form, "the LLM's endpoint refuses a form of reply")
            return True
        return False

    def see(self, model: str, form: ReplyForm, schema: ReplySchema, content: str) -> None:
        """Record a reply without an object of its schema: some endpoints ignore a form that they do not know.

        Thinking or words around the object, and wrong values in it, say nothing about the form.
        """
        if form is ReplyForm.SCHEMA and not _has_every_key(schema, content):
            self._step_down(model, form, "the LLM's endpoint ignores a form of reply")

    def _do_without(self, model: str, parameter: str) -> bool:
        """Record that a model does not take a parameter; return whether a request without it is another one."""
        refused = self.refused_parameters(model)
        if parameter in refused:
            return False
        self._not_taken_until[model, parameter] = self._monotonic() + RETRY_SECONDS
        logger.bind(model=model, parameter=parameter).warning("the LLM's endpoint refuses a parameter")
        # The limit of the tokens has two names, one of which is always sent.
        names = set(get_args(TokensParameter))
        return parameter not in names or not names <= {*refused, parameter}

    def _step_down(self, model: str, form: ReplyForm, why: str) -> None:
        self._refused_until[model, form] = self._monotonic() + RETRY_SECONDS
        logger.bind(model=model, form=form.value, instead=self.form(model).value).warning(why)


def _has_every_key(schema: ReplySchema, content: str) -> bool:
    names = set(schema.schema["required"])
    return any(names <= found.keys() for found in objects_in(content, names))
