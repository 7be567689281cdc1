"""The LLM client over real HTTP, against a server that fails in every way a real one can."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from fastapi import Response

from demo import behaviors
from demo.behaviors import (
    Behavior,
    CompletionRequest,
    content,
    drip,
    error,
    in_parts,
    only_for,
    rate_limited,
    raw,
    wrong,
)
from demo.openai_server import FakeOpenAI
from domain.errors import LlmUnavailable
from services.llm.calling.calls import Completion, LlmRequest, Unusable
from services.llm.calling.key_ring import KeyState
from tests.fixtures.clocks import SettableClock
from tests.fixtures.llm_clients import KEYS, REPLY_SCHEMA, REQUEST, Asking, MakeAsking, sample
from tests.fixtures.patience import PATIENCE_SECONDS

pytest_plugins = ["tests.fixtures.openai_server", "tests.fixtures.logs"]

ONE_KEY = KEYS[:1]
# Where a test waits for a limit: short, but long enough for a slow machine's normal answers.
CALL_SECONDS = 2.0


async def complete(asking: Asking, request: LlmRequest = REQUEST) -> Completion:
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await asking.client.complete(request)


async def reason(asking: Asking) -> str:
    with pytest.raises(LlmUnavailable) as caught:
        await complete(asking)
    return caught.value.reason


def only_key(asking: Asking) -> KeyState:
    (state,) = asking.client.key_states()
    return state


async def test_a_reply_comes_back_whole_and_is_booked_once(fake_openai: FakeOpenAI, make_asking: MakeAsking) -> None:
    before = {name: sample(name) for name in ("openai_requests_total", "gpt4_api_calls_total")}
    asking = make_asking()
    completion = await complete(asking)
    assert json.loads(completion.content or "")["signal"] == "Long"
    assert (completion.model, completion.model_answered) == ("gpt-4o-mini", "demo-gpt")
    assert (completion.key_number, completion.finish_reason, completion.unusable) == (1, "stop", None)
    assert completion.request_id == "req_demo"
    (call,) = asking.booked
    assert call.usage is not None
    assert call.usage == completion.usage
    assert (call.purpose, call.symbol, call.model, call.key_number) == ("analysis", "BTCUSDT", "gpt-4o-mini", 1)
    assert sample("openai_requests_total") == before["openai_requests_total"] + 1
    assert sample("gpt4_api_calls_total") == before["gpt4_api_calls_total"] + 1


async def test_every_model_gets_the_request_form_that_it_takes(
    fake_openai: FakeOpenAI, make_asking: MakeAsking
) -> None:
    await complete(make_asking())
    await complete(make_asking(model="gpt-6-luna"))
    await complete(make_asking(model="llama3.2:3b"))
    mini, luna, unknown = ({**asked.body, "messages": 2} for asked in fake_openai.asked)
    response_format = mini.pop("response_format")
    assert response_format["json_schema"]["strict"] is True
    assert mini == {"model": "gpt-4o-mini", "messages": 2, "max_tokens": 2000, "temperature": 0}
    assert luna.pop("response_format") == response_format
    assert luna == {
        "model": "gpt-6-luna",
        "messages": 2,
        "max_completion_tokens": 2000,
        "temperature": 0,
        "reasoning_effort": "none",
    }
    assert (unknown["model"], unknown["max_tokens"]) == ("llama3.2:3b", 2000)


FAILURES: list[tuple[str, Behavior, str, str, float | None]] = [
    ("401", behaviors.unauthorized, "unauthorized", "retired", None),
    ("403", behaviors.forbidden, "forbidden", "resting", 3600),
    ("402", error(402, None), "quota", "resting", 3600),
    ("429 quota", behaviors.quota, "quota", "resting", 3600),
    ("429 spend limit", error(429, "organization_spend_limit_exceeded"), "quota", "resting", 3600),
    ("429 project limit", error(429, "project_spend_limit_exceeded"), "quota", "resting", 3600),
    ("429", rate_limited(), "rate_limited", "resting", 60),
    ("429 slow down", error(429, "slow_down", headers={"retry-after": "90"}), "rate_limited", "resting", 90),
    ("500", behaviors.server_error, "server_error", "resting", 30),
    ("503 html", raw(b"<html>overloaded model</html>", 503, "text/html"), "server_error", "resting", 30),
    ("503 endless", drip(0, b"x" * 65_536, status=503), "server_error", "resting", 30),
    ("hang", behaviors.hang, "timeout", "resting", 30),
    ("cut", behaviors.cut, "connection", "resting", 30),
    ("400", error(400, "context_length_exceeded"), "bad_request", "spacing", 20),
    ("404 path", raw(b'{"detail":"Not Found"}', 404), "bad_request", "spacing", 20),
    ("307", error(307, None, headers={"location": "/v1/chat/completions"}), "bad_request", "spacing", 20),
    ("error is no object", raw(b'{"error":["?"]}', 500), "server_error", "resting", 30),
    # A service may send anything.
    ("200 error 429", raw(b'{"error":{"code":429,"message":"slow down"}}'), "rate_limited", "resting", 60),
    ("200 error 502", raw(b'{"error":{"code":502,"message":"no provider"}}'), "server_error", "resting", 30),
    ("200 error", raw(b'{"error":"Unexpected endpoint or method."}'), "bad_request", "spacing", 20),
    ("code is no string", error(429, ["insufficient_quota"]), "rate_limited", "resting", 60),  # type: ignore[arg-type]
]
by_name = pytest.mark.parametrize(
    ("behavior", "outcome", "status", "rest"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES]
)


@by_name
async def test_a_failure_has_its_reason_and_its_rest(
    fake_openai: FakeOpenAI,
    make_asking: MakeAsking,
    behavior: Behavior,
    outcome: str,
    status: str,
    rest: float | None,
) -> None:
    fake_openai.always = behavior
    asking = make_asking(keys=ONE_KEY, call_timeout_seconds=CALL_SECONDS)
    before = sample("openai_errors_total", reason=outcome), sample("gpt4_api_failures_total", error=outcome)
    assert await reason(asking) == outcome
    state = only_key(asking)
    assert state.status == status
    assert state.ready_in_seconds == (None if rest is None else pytest.approx(rest, abs=20))
    assert len(fake_openai.asked) == 1  # nothing was tried again behind our back
    assert asking.booked == []
    assert sample("openai_errors_total", reason=outcome) == before[0] + 1
    assert sample("gpt4_api_failures_total", error=outcome) == before[1] + 1
    assert await reason(asking) == "no_key"  # at once, without a request
    assert len(fake_openai.asked) == 1


@pytest.mark.parametrize("failed", [row[:2] for row in FAILURES if row[3] != "spacing"], ids=lambda row: row[0])
async def test_the_next_key_answers_for_one_that_fails(
    fake_openai: FakeOpenAI, make_asking: MakeAsking, failed: tuple[str, Behavior]
) -> None:
    fake_openai.script(failed[1], key=KEYS[0])
    asking = make_asking(call_timeout_seconds=CALL_SECONDS)
    completion = await complete(asking)
    assert completion.key_number == 2
    assert [asked.key for asked in fake_openai.asked] == [KEYS[0], KEYS[1]]
    assert len(asking.booked) == 1


def in_a_minute() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=61), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "rest"),
    [
        ({"retry_after": "45"}, 45),
        ({"retry_after_ms": "45500"}, 45.5),
        ({"retry_after": "3600"}, 3600),
        ({"retry_after": "86400"}, 3600),
        ({"retry_after": "-5"}, 60),
        ({"retry_after": "soon"}, 60),
        ({"retry_after": "date"}, 60),
    ],
)
async def test_a_rate_limit_rests_a_key_as_told(
    fake_openai: FakeOpenAI, make_asking: MakeAsking, headers: dict[str, str], rest: float
) -> None:
    moment = datetime.now(UTC)
    told = {name: in_a_minute() if text == "date" else text for name, text in headers.items()}
    fake_openai.script(rate_limited(**told))
    now = time.monotonic()
    asking = make_asking(keys=ONE_KEY, monotonic=lambda: now)
    before = sample("openai_rate_limit_errors_total")
    assert await reason(asking) == "rate_limited"
    slack = 1 + (datetime.now(UTC) - moment).total_seconds()
    assert only_key(asking).ready_in_seconds == pytest.approx(rest, abs=slack if "date" in headers.values() else 0.01)
    assert sample("openai_rate_limit_errors_total") == before + 1


async def test_an_unknown_model_is_followed_by_the_next_on_the_same_key_and_remembered(
    fake_openai: FakeOpenAI, make_asking: MakeAsking
) -> None:
    fake_openai.always = only_for(lambda body: body["model"] == "gpt-6-luna", behaviors.model_not_found)
    clock = SettableClock()
    asking = make_asking(monotonic=clock.monotonic)
    assert (await complete(asking)).model == "gpt-6-luna"
    assert (await complete(asking)).key_number == 2
    asked = [(call.key, call.body["model"]) for call in fake_openai.asked]
    assert asked == [(KEYS[0], "gpt-4o-mini"), (KEYS[0], "gpt-6-luna"), (KEYS[1], "gpt-6-luna")]
    assert {state.failures for state in asking.client.key_states()} == {0}
    clock.advance(3600)
    fake_openai.always = behaviors.normal
    assert (await complete(asking)).model == "gpt-4o-mini"  # asked for again in case it is back


@pytest.mark.parametrize(
    "missing",
    [
        behaviors.model_not_found,
        error(403, "model_not_found"),
        raw(b'{"error":"model \'gpt-4o-mini\' not found, try pulling it first"}', 404),
    ],
    ids=["OpenAI", "project without access", "Ollama"],
)
async def test_an_endpoint_without_any_of_the_models_is_left_alone(
    fake_openai: FakeOpenAI, make_asking: MakeAsking, missing: Behavior
) -> None:
    fake_openai.always = missing
    asking = make_asking()
    assert await reason(asking) == "model_unknown"
    assert len(fake_openai.asked) == 2
    assert await reason(asking) == "model_unknown"
    assert len(fake_openai.asked) == 2
    assert [state.status for state in asking.client.key_states()] == ["spacing", "ready", "ready"]


async def test_forms_of_reply_step_down_as_far_as_the_endpoint_needs(
    fake_openai: FakeOpenAI, make_asking: MakeAsking
) -> None:
    refusing = error(400, None, "Unknown parameter: 'response_format'.", param="response_format")
    fake_openai.always = only_for(lambda body: "response_format" not in body, refusing)
    asking = make_asking()
    assert json.loads((await complete(asking)).content or "")["signal"] == "Long"
    await complete(asking)
    forms = [asked.body.get("response_format", {}).get("type") for asked in fake_openai.asked]
    assert forms == ["json_schema", "json_object", None, None]
    systems = [asked.body["messages"][0]["content"] for asked in fake_openai.asked]
    assert "JSON schema" not in systems[0]
    assert '"properties"' in systems[1]
    assert '"properties"' in systems[3]
    assert len(asking.booked) == 2


async def test_an_endpoint_that_ignores_the_schema_is_told_of_it_in_words_from_then_on(
    fake_openai: FakeOpenAI, make_asking: MakeAsking
) -> None:
    fake_openai.always = only_for(
        lambda body: "JSON schema" in body["messages"][0]["content"], content(lambda _: "It will rise.")
    )
    asking = make_asking()
    assert (await complete(asking)).content == "It will rise."
    assert json.loads((await complete(asking)).content or "")["signal"] == "Long"
    assert [asked.body["response_format"]["type"] for asked in fake_openai.asked] == ["json_schema", "json_object"]


@pytest.mark.parametrize("behavior", [behaviors.normal, wrong(confidence=850), wrong(signal="UP")])
async def test_a_reply_that_has_every_key_leaves_the_form_as_it_is(
    fake_openai: FakeOpenAI, make_asking: MakeAsking, behavior: Behavior
) -> None:
    fake_openai.always = behavior
    asking = make_asking()
    await complete(asking)
    await complete(asking)
    assert [asked.body["response_format"]["type"] for asked in fake_openai.asked] == ["json_schema"] * 2


def decorated(before: str, after: str = "") -> Behavior:
    return content(lambda reply: f"{before}{json.dumps(reply)}{after}")


@pytest.mark.parametrize(
    "behavior",
    [
        decorated("<think>The RSI is 61.</think>\n\n"),
        decorated("Here it is:\n```json\n", "\n```"),
        decorated('{"result": [', "]}"),
        in_parts(lambda text: [{"type": "text", "text": text}]),
    ],
    ids=["thinking", "fence", "wrapped", "parts"],
)
async def test_a_reply_that_can_be_read_leaves_the_form_as_it_is(
    fake_openai: FakeOpenAI, make_asking: MakeAsking, behavior: Behavior
) -> None:
    fake_openai.always = behavior
    asking = make_asking()
    await complete(asking)
    await complete(asking)
    assert forms_of(fake_openai) == ["json_schema"] * 2


def forms_of(fake: FakeOpenAI) -> list[str | None]:
    """Return the form of reply that each request asked for, None for plain text."""
    return [asked.body.get("response_format", {}).get("type") for asked in fake.asked]


@pytest.mark.parametrize(
    ("left", "first"),
    [
        (lambda body: "response_format" not in body, ["json_schema", "json_object", None]),
        (lambda body: body.get("response_format", {}).get("type") != "json_schema", ["json_schema", "json_object"]),
    ],
    ids=["plain text", "JSON mode"],
)
async def test_a_refused_form_is_tried_again_after_an_hour(
    fake_openai: FakeOpenAI, make_asking: MakeAsking, left: Any, first: list[str | None]
) -> None:
    fake_openai.always = only_for(left, error(400, None, param="response_format"))
    clock = SettableClock()
    asking = make_asking(monotonic=clock.monotonic)
    await complete(asking)
    assert forms_of(fake_openai) == first
    clock.advance(3599)
    await complete(asking)
    assert forms_of(fake_openai) == [*first, first[-1]]
    clock.advance(1)
    await complete(asking)
    assert forms_of(fake_openai) == [*first, first[-1], *first]  # still refused
    fake_openai.always = behaviors.normal
    clock.advance(3600)
    await complete(asking)
    assert forms_of(fake_openai)[-1] == "json_schema"  # taken by now
    assert {state.failures for state in asking.client.key_states()} == {0}


def reasoning_model(body: dict[str, Any]) -> Behavior:
    """Refuse what OpenAI's models that reason refuse, in their words, or answer."""
    if "max_tokens" in body:
        words = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
        return error(400, "unsupported_parameter", words, param="max_tokens")
    if "temperature" in body:
        words = "Unsupported value: 'temperature' does not support 0. Only the default (1) is supported."
        return error(400, "unsupported_value", words, param="temperature")
    return behaviors.normal


async def test_a_model_is_asked_without_the_parameters_that_it_refuses(
    fake_openai: FakeOpenAI, make_asking: MakeAsking
) -> None:
    async def answer(asked: CompletionRequest) -> Response:
        return await reasoning_model(asked.body)(asked)

    fake_openai.always = answer
    clock = SettableClock()
    asking = make_asking(model="gpt-5-mini", monotonic=clock.monotonic)
    assert (await complete(asking)).unusable is None
    names = {"max_tokens", "max_completion_tokens", "temperature"}
    assert [asked.body.keys() & names for asked in fake_openai.asked] == [
        {"max_tokens", "temperature"},
        {"max_completion_tokens", "temperature"},
        {"max_completion_tokens"},
    ]
    assert fake_openai.asked[-1].body["max_completion_tokens"] == 2000
    clock.advance(3599)
    await complete(asking)
    assert len(fake_openai.asked) == 4
    assert {state.failures for state in asking.client.key_states()} == {0}


async def test_no_model_is_asked_without_a_limit_of_the_tokens(
    fake_openai: FakeOpenAI, make_asking: MakeAsking
) -> None:
    async def refuse(asked: CompletionRequest) -> Response:
        name = next(name for name in asked.body if name.startswith("max_"))
        return await error(400, "unsupported_parameter", param=name)(asked)

    fake_openai.always = refuse
    asking = make_asking()
    for _ in range(2):
        with pytest.raises(LlmUnavailable) as refused:
            await complete(asking)
        assert refused.value.reason == "parameter_refused"
    limits = [[name for name in asked.body if name.startswith("max_")] for asked in fake_openai.asked]
    assert limits == [["max_tokens"], ["max_completion_tokens"], ["max_tokens"]]


async def test_a_schema_that_was_ignored_once_is_sent_again_after_an_hour(
    fake_openai: FakeOpenAI, make_asking: MakeAsking
) -> None:
    fake_openai.script(content(lambda _: "It will rise."))
    clock = SettableClock()
    asking = make_asking(monotonic=clock.monotonic)
    for seconds in (0, 3599, 3600):
        clock.advance(seconds)
        await complete(asking)
    assert forms_of(fake_openai) == ["json_schema", "json_object", "json_schema"]


PARTS: list[tuple[str, Any]] = [
    ("text", lambda text: [{"type": "text", "text": text}]),
    ("output_text", lambda text: [{"type": "output_text", "text": text, "annotations": []}]),
    ("without a type", lambda text: [{"text": text}]),
    ("divided", lambda text: [{"type": "text", "text": text[:9]}, {"type": "text", "text": text[9:]}]),
    ("an empty part", lambda text: [{"type": "text", "text": ""}, {"type": "text", "text": text}]),
    ("a null part", lambda text: [{"type": "text", "text": None}, {"type": "text", "text": text}]),
    ("thinking", lambda text: [{"type": "thinking", "thinking": [{"text": "so"}]}, {"type": "text", "text": text}]),
    ("reasoning", lambda text: [{"type": "reasoning", "text": "so"}, {"type": "text", "text": text}]),
]


@pytest.mark.parametrize("split", [row[1] for row in PARTS], ids=[row[0] for row in PARTS])
async def test_content_in_parts_is_their_text_and_rests_no_key(
    fake_openai: FakeOpenAI, make_asking: MakeAsking, split: Any
) -> None:
    fake_openai.always = in_parts(split)
    asking = make_asking(keys=ONE_KEY)
    completion = await complete(asking)
    assert completion.unusable is None
    assert json.loads(completion.text)["signal"] == "Long"
    assert (only_key(asking).status, only_key(asking).failures) == ("spacing", 0)
    assert len(asking.booked) == 1


@pytest.mark.parametrize(
    ("parts", "unusable"),
    [
        ([], Unusable.EMPTY),
        ([{"type": "text", "text": " "}], Unusable.EMPTY),
        ([{"type": "image_url", "image_url": {"url": "x"}}], Unusable.EMPTY),
        ([{"type": "refusal", "refusal": "I can't help with that."}], Unusable.REFUSAL),
        ([{"type": "text", "text": "{"}, {"type": "refusal", "refusal": "I stop here."}], Unusable.REFUSAL),
    ],
    ids=["no parts", "blank", "a picture", "refusal", "refusal after a text"],
)
async def test_parts_without_a_text_are_no_answer_and_rest_no_key(
    fake_openai: FakeOpenAI, make_asking: MakeAsking, parts: list[dict[str, Any]], unusable: Unusable
) -> None:
    fake_openai.always = in_parts(lambda _: parts)
    asking = make_asking(keys=ONE_KEY)
    completion = await complete(asking)
    assert completion.unusable is unusable
    with pytest.raises(LlmUnavailable, match="the LLM's reply is no answer: "):
        _ = completion.text
    assert only_key(asking).status == "spacing"
    assert len(asking.booked) == 1


async def test_a_key_that_is_divided_between_parts_is_noticed(fake_openai: FakeOpenAI, make_asking: MakeAsking) -> None:
    halves = KEYS[0][:9], KEYS[0][9:]
    fake_openai.always = in_parts(lambda _: [{"type": "text", "text": half} for half in halves])
    completion = await complete(make_asking())
    assert (completion.content, completion.unusable) == (None, Unusable.KEY_ECHOED)


async def test_json_mode_is_enough_where_it_is_taken(fake_openai: FakeOpenAI, make_asking: MakeAsking) -> None:
    no_schemas = error(422, None, "response_format type json_schema is unavailable")
    fake_openai.always = only_for(lambda body: body["response_format"]["type"] == "json_object", no_schemas)
    assert (await complete(make_asking())).unusable is None


async def test_plain_words_are_asked_for_without_a_format(fake_openai: FakeOpenAI, make_asking: MakeAsking) -> None:
    await complete(make_asking(), LlmRequest("Be brief.", "Say ok.", None, "check"))
    (asked,) = fake_openai.asked
    assert "response_format" not in asked.body
    assert asked.body["messages"][0]["content"] == "Be brief."


UNUSABLE: list[tuple[Behavior, Unusable, bool, str]] = [
    (behaviors.refusal, Unusable.REFUSAL, True, "spacing"),
    (content(lambda reply: '{"signal": "Lo', "length"), Unusable.LENGTH, True, "spacing"),
    (content(lambda reply: "", "content_filter"), Unusable.FILTERED, True, "spacing"),
    (content(lambda reply: " \n"), Unusable.EMPTY, True, "spacing"),
    (content(lambda reply: None), Unusable.EMPTY, True, "spacing"),
    (behaviors.altered(choices=[]), Unusable.EMPTY, True, "spacing"),
    (behaviors.altered(choices=[{"message": {"content": 5}}]), Unusable.MALFORMED, True, "resting"),
    (raw(b'{"choices": [{"message": {"cont'), Unusable.MALFORMED, False, "resting"),
    (raw(b""), Unusable.MALFORMED, False, "resting"),
    (raw(b"[" * 100_000), Unusable.MALFORMED, False, "resting"),
    (raw(b'{"choices": [{"message": {"content": "\xff"}}]}'), Unusable.MALFORMED, False, "resting"),
    (raw(b"All good!", media_type="text/plain"), Unusable.MALFORMED, False, "resting"),
    (drip(0, b" " * 65_536), Unusable.TOO_LARGE, False, "resting"),
    (drip(0.02), Unusable.BROKEN_OFF, False, "resting"),
    (drip(0.02, cut_after=2), Unusable.BROKEN_OFF, False, "resting"),
]


@pytest.mark.parametrize(
    ("behavior", "unusable", "usage_known", "status"),
    UNUSABLE,
    ids=[
        "refusal",
        "token limit",
        "filter",
        "blank",
        "no content",
        "no choices",
        "content is no text",
        "truncated",
        "nothing",
        "nested without end",
        "no UTF-8",
        "plain text",
        "endless",
        "slow drip",
        "cut in the middle",
    ],
)
async def test_an_unusable_reply_is_booked_named_and_not_asked_for_again(
    fake_openai: FakeOpenAI,
    make_asking: MakeAsking,
    behavior: Behavior,
    unusable: Unusable,
    usage_known: bool,
    status: str,
) -> None:
    fake_openai.always = behavior
    asking = make_asking(call_timeout_seconds=CALL_SECONDS)
    before = sample("llm_outcomes_total", outcome=unusable.value)
    completion = await complete(asking)
    assert completion.unusable is unusable
    (call,) = asking.booked
    assert (call.usage is not None) is usage_known
    assert len(fake_openai.asked) == 1
    assert asking.client.key_states()[0].status == status
    assert sample("llm_outcomes_total", outcome=unusable.value) == before + 1


@pytest.mark.parametrize(
    "behavior",
    [
        wrong(confidence=85),
        wrong(signal="LONG"),
        wrong(signal=...),
        wrong(confidence=None),
        wrong(confidence=float("nan")),
        content(lambda reply: json.dumps(reply) * 2),
        content(lambda reply: f"```json\n{json.dumps(reply)}\n```"),
        content(lambda reply: "It will rise."),
    ],
    ids=["85", "LONG", "missing key", "null", "NaN", "two objects", "fenced", "prose"],
)
async def test_content_of_a_reply_is_returned_unchecked(
    fake_openai: FakeOpenAI, make_asking: MakeAsking, behavior: Behavior
) -> None:
    fake_openai.always = behavior
    asking = make_asking()
    completion = await complete(asking)
    assert completion.unusable is None
    assert completion.content
    assert len(asking.booked) == 1


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"prompt_tokens": "many", "completion_tokens": 3},
        {"prompt_tokens": -5, "completion_tokens": 3},
        {"prompt_tokens": 5, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 9}},
    ],
    ids=["missing", "empty", "no number", "negative", "more cached than sent"],
)
async def test_usage_that_is_not_credible_is_unknown_and_the_reply_counts(
    fake_openai: FakeOpenAI, make_asking: MakeAsking, usage: dict[str, Any] | None
) -> None:
    fake_openai.always = behaviors.altered(usage=usage)
    asking = make_asking()
    completion = await complete(asking)
    assert completion.unusable is None
    assert [call.usage for call in asking.booked] == [None]


async def test_cached_tokens_are_told_apart(fake_openai: FakeOpenAI, make_asking: MakeAsking) -> None:
    usage = {"prompt_tokens": 900, "completion_tokens": 120, "prompt_tokens_details": {"cached_tokens": 512}}
    fake_openai.always = behaviors.altered(usage=usage)
    tokens = (await complete(make_asking())).usage
    assert tokens is not None
    assert (tokens.input, tokens.cached_input, tokens.output) == (900, 512, 120)


async def test_a_second_key_has_time_left_when_the_first_hangs(
    fake_openai: FakeOpenAI, make_asking: MakeAsking
) -> None:
    fake_openai.script(behaviors.hang, key=KEYS[0])
    completion = await complete(make_asking(call_timeout_seconds=CALL_SECONDS))
    assert completion.key_number == 2


async def test_the_total_time_holds_over_all_keys(fake_openai: FakeOpenAI, make_asking: MakeAsking) -> None:
    fake_openai.always = behaviors.hang
    asking = make_asking(total_timeout_seconds=1.0, call_timeout_seconds=0.95)
    assert await reason(asking) == "timeout"
    # what was left for a second key was too little to be fair to it
    assert [state.status for state in asking.client.key_states()] == ["resting", "ready", "ready"]


async def test_the_last_call_gets_no_more_than_what_is_left(fake_openai: FakeOpenAI, make_asking: MakeAsking) -> None:
    fake_openai.always = behaviors.hang
    asking = make_asking(total_timeout_seconds=1.0, call_timeout_seconds=PATIENCE_SECONDS * 2)
    assert await reason(asking) == "timeout"
    assert len(fake_openai.asked) == 1


async def test_fifty_at_once_share_three_keys_and_none_waits(fake_openai: FakeOpenAI, make_asking: MakeAsking) -> None:
    clock = SettableClock()
    asking = make_asking(monotonic=clock.monotonic)

    async def burst() -> Counter[str]:
        wishes = (complete(asking) for _ in range(50))
        results = await asyncio.gather(*wishes, return_exceptions=True)
        return Counter(getattr(result, "reason", None) or type(result).__name__ for result in results)

    for round_number in (1, 2):
        assert await burst() == {"Completion": 3, "no_key": 47}
        assert Counter(asked.key for asked in fake_openai.asked) == dict.fromkeys(KEYS, round_number)
        assert asking.client.ready_in_seconds() == 20
        clock.advance(20)
    assert len(asking.booked) == 6


async def test_keys_of_an_organization_are_not_tried_after_its_limit(
    fake_openai: FakeOpenAI, make_asking: MakeAsking
) -> None:
    fake_openai.script(behaviors.quota)
    asking = make_asking(key_groups=[[1, 2], [3]])
    assert (await complete(asking)).key_number == 3


async def test_a_limit_that_asks_for_no_rest_starts_no_storm(fake_openai: FakeOpenAI, make_asking: MakeAsking) -> None:
    fake_openai.always = rate_limited(retry_after="0")
    assert await reason(make_asking(spacing_seconds=0)) == "rate_limited"
    assert [asked.key for asked in fake_openai.asked] == list(KEYS)


async def test_a_spent_budget_costs_neither_a_request_nor_a_key(
    fake_openai: FakeOpenAI, make_asking: MakeAsking
) -> None:
    asking = make_asking()
    asking.refusal = "the daily budget of 5 USD is used up"
    with pytest.raises(LlmUnavailable, match="the daily budget of 5 USD is used up") as caught:
        await complete(asking)
    assert caught.value.reason == "budget"
    assert fake_openai.asked == []
    assert {state.status for state in asking.client.key_states()} == {"ready"}
    (estimate,) = asking.estimates
    assert (estimate.model, estimate.output_tokens) == ("gpt-4o-mini", 2000)
    # the schema is billed like the other parts of the prompt
    texts = REQUEST.system, REQUEST.user, json.dumps(REPLY_SCHEMA.schema)
    assert estimate.input_tokens == pytest.approx(sum(map(len, texts)) / 2, abs=1)


async def test_a_word_for_a_key_may_stand_in_a_reply(fake_openai: FakeOpenAI, make_asking: MakeAsking) -> None:
    fake_openai.always = behaviors.altered(system_fingerprint="fp_ollama")
    completion = await complete(make_asking(keys=("ollama",)))
    assert completion.unusable is None


async def test_a_compressed_reply_is_read_up_to_its_limit(fake_openai: FakeOpenAI, make_asking: MakeAsking) -> None:
    async def compressed(_: CompletionRequest) -> Response:
        return Response(gzip.compress(b" " * 8_000_000), headers={"content-encoding": "gzip"})

    fake_openai.always = compressed
    assert (await complete(make_asking())).unusable is Unusable.TOO_LARGE


@pytest.mark.parametrize(
    ("behavior", "why"),
    [(behaviors.quota, "its quota is used up"), (behaviors.server_error, "it reports an error of its own")],
)
async def test_while_keys_rest_the_answer_says_why(
    fake_openai: FakeOpenAI, make_asking: MakeAsking, behavior: Behavior, why: str
) -> None:
    fake_openai.always = behavior
    asking = make_asking(keys=ONE_KEY)
    await reason(asking)
    with pytest.raises(LlmUnavailable, match=rf"no key is ready, the next one is in [0-9.]+ s: {why}$"):
        await complete(asking)


async def test_an_endpoint_of_ones_own_needs_no_key(fake_openai: FakeOpenAI, make_asking: MakeAsking) -> None:
    asking = make_asking(keys=())
    assert (await complete(asking)).key_number == 1
    assert fake_openai.asked[0].key == "no-key"


async def test_a_closed_port_is_a_failure_of_the_connection(fake_openai: FakeOpenAI, make_asking: MakeAsking) -> None:
    with pytest.raises(LlmUnavailable) as caught:
        await complete(make_asking(base_url="http://127.0.0.1:9/v1"))
    assert (caught.value.reason, caught.value.detail) == ("connection", "ConnectionRefusedError")
    assert "Refused" not in caught.value.message


async def test_every_answer_of_the_fake_is_marked(fake_openai: FakeOpenAI) -> None:
    import httpx2

    async with httpx2.AsyncClient(base_url=fake_openai.url, trust_env=False) as client:
        replies = [
            await client.get("/models"),
            await client.post("/chat/completions", json={"messages": []}),
            await client.post("/chat/completions", content=b"{"),
            await client.get("/nothing"),
        ]
    assert [reply.status_code for reply in replies] == [200, 200, 422, 404]
    assert {reply.headers.get("x-demo") for reply in replies} == {"1"}
    assert replies[1].json()["model"] == "demo-gpt"


async def test_operators_see_the_keys_by_what_may_be_done_with_them(
    fake_openai: FakeOpenAI, make_asking: MakeAsking
) -> None:
    fake_openai.script(behaviors.unauthorized, behaviors.quota)
    asking = make_asking()
    await complete(asking)
    counts = {status: sample("llm_keys", status=status) for status in ("ready", "spacing", "resting", "retired")}
    assert counts == {"ready": 0, "spacing": 1, "resting": 1, "retired": 1}
