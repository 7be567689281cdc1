"""The body of a chat completion request, in the form that the model takes."""

from __future__ import annotations

import json
from typing import Any

from config.llm_settings import LlmSettings
from services.llm.calling.calls import LlmRequest, ReplySchema
from services.llm.calling.capabilities import ReplyForm


def payload_of(request: LlmRequest, model: str, form: ReplyForm, settings: LlmSettings) -> dict[str, Any]:
    """Return the request's body.

    Where the endpoint does not enforce the schema of a reply, the instructions contain it.
    """
    shape = settings.model_settings(model)
    system = request.system
    if request.reply_schema is not None and form is not ReplyForm.SCHEMA:
        system = f"{system}\n\n{_schema_in_words(request.reply_schema)}"
    payload: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": request.user}],
        shape.tokens_parameter: settings.max_output_tokens,
    }
    if shape.temperature is not None:
        payload["temperature"] = shape.temperature
    if shape.reasoning_effort is not None:
        payload["reasoning_effort"] = shape.reasoning_effort
    if request.reply_schema is not None and form is not ReplyForm.TEXT:
        payload["response_format"] = _response_format(request.reply_schema, form)
    return payload


def _response_format(reply_schema: ReplySchema, form: ReplyForm) -> dict[str, Any]:
    if form is ReplyForm.JSON:
        return {"type": "json_object"}
    schema = {"name": reply_schema.name, "schema": reply_schema.schema, "strict": True}
    return {"type": "json_schema", "json_schema": schema}


def _schema_in_words(reply_schema: ReplySchema) -> str:
    schema = json.dumps(reply_schema.schema, separators=(",", ":"))
    return f"Answer with one JSON object and nothing else. It has to match this JSON schema:\n{schema}"
