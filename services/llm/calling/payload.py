"""The body of a chat completion request, in the form that the model takes."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, get_args

from config.llm_settings import LlmSettings, TokensParameter
from services.llm.calling.calls import LlmRequest, ReplySchema
from services.llm.calling.capabilities import ReplyForm


def payload_of(
    request: LlmRequest, model: str, form: ReplyForm, settings: LlmSettings, refused: Collection[str]
) -> dict[str, Any]:
    """Return the request's body.

    Where the endpoint does not enforce the schema of a reply, the instructions contain it. A limit of the tokens is
    always sent, under its other name where the model refuses one: the budgets count on it.

    Args:
        request: What is asked.
        model: That is asked.
        form: How the reply is held to its schema.
        settings: Parameters of the models.
        refused: Names of the parameters that the model does not take.
    """
    shape = settings.model_settings(model)
    system = request.system
    if request.reply_schema is not None and form is not ReplyForm.SCHEMA:
        system = f"{system}\n\n{_schema_in_words(request.reply_schema)}"
    payload: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": request.user}],
        _tokens_parameter(shape.tokens_parameter, refused): settings.max_output_tokens,
    }
    optional = {"temperature": shape.temperature, "reasoning_effort": shape.reasoning_effort}
    payload |= {name: value for name, value in optional.items() if value is not None and name not in refused}
    if request.reply_schema is not None and form is not ReplyForm.TEXT:
        payload["response_format"] = _response_format(request.reply_schema, form)
    return payload


def _tokens_parameter(own: TokensParameter, refused: Collection[str]) -> str:
    return next((name for name in (own, *get_args(TokensParameter)) if name not in refused), own)


def _response_format(reply_schema: ReplySchema, form: ReplyForm) -> dict[str, Any]:
    if form is ReplyForm.JSON:
        return {"type": "json_object"}
    schema = {"name": reply_schema.name, "schema": reply_schema.schema, "strict": True}
    return {"type": "json_schema", "json_schema": schema}


def _schema_in_words(reply_schema: ReplySchema) -> str:
    schema = json.dumps(reply_schema.schema, separators=(",", ":"))
    return f"Answer with one JSON object and nothing else. It has to match this JSON schema:\n{schema}"
