"""Finding the reply in what a model says around it, and refusing what is none, in bounded time."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analysis import TrendDirection
from domain.errors import LlmUnavailable
from domain.values import Signal
from services.analysis.reply import AnalysisReply
from services.llm.calling import reply_objects
from services.llm.calling.envelope import read_envelope
from services.llm.replies import INVALID_REPLY, ReplyModel, read_reply
from services.reviews.settings_reply import SelfAnalysisReply
from services.reviews.trade_reply import TradeReply

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures"
GOOD: dict[str, Any] = {
    "signal": "Long",
    "confidence": 0.7,
    "reasoning": 'The trend on 1h points {up} and "momentum" agrees with it.',
    "strategy_scores": [{"name": "RSI Strategy", "score": 0.6}],
    "trend_direction": "Bullish",
    "trend_strength": 0.6,
    "support_levels": [],
    "resistance_levels": [],
    "stop_loss": None,
    "take_profit": None,
}
TEXT = json.dumps(GOOD)
DRAFT = json.dumps(GOOD | {"signal": "Short", "confidence": 0.9})
REVIEW = {"summary": "The stop was too near.", "what_went_well": [], "what_went_wrong": ["a"], "lessons": ["b"]}
SETTINGS = {
    "root_cause": "Too few candles.",
    "key_issues": [],
    "summary": "The period is long.",
    "risk_assessment": "Small, it can be undone.",
    "changes": [{"setting": "rsi_period", "value": "12", "reason": "It reacts too late."}],
    "recommendation": "wait",
    "confidence": "70%",
    "reasoning": "There are few trades.",
    "urgency": "low",
    "suggested_actions": [],
}


def read(content: str) -> AnalysisReply:
    return read_reply(AnalysisReply, content)


EXPECTED = read(TEXT)

# Replies of real endpoints, with the right reading in words.
CASES: dict[str, dict[str, Any]] = json.loads((FIXTURES / "llm_replies.json").read_text())
REFUSED = {"bullish": "signal: ", "ten": "confidence: ", "trailcomma": "there is no whole JSON object"}


def in_envelope(content: Any) -> str:
    """Return the content of a completion as the client hands it on."""
    envelope = read_envelope(json.dumps({"choices": [{"message": {"content": content}}]}).encode())
    assert envelope.unusable is None
    assert envelope.content is not None
    return envelope.content


@pytest.mark.parametrize("name", sorted(CASES.keys() - REFUSED.keys()))
def test_a_reply_of_a_real_endpoint_is_read(name: str) -> None:
    reply = read(in_envelope(CASES[name]["content"]))
    assert (reply.signal, reply.trend_direction, reply.trend_strength) == (Signal.LONG, TrendDirection.BULLISH, 0.6)
    assert reply.confidence == (1.0 if name == "onepct" else 0.7)
    assert [(score.name, score.score) for score in reply.strategy_scores] == [("RSI Strategy", 0.6)]
    assert reply.support_levels == ([42_000.0] if name == "levelstr" else [])


@pytest.mark.parametrize(("name", "why"), REFUSED.items())
def test_a_reply_of_a_real_endpoint_that_fits_no_rule_is_refused(name: str, why: str) -> None:
    with pytest.raises(LlmUnavailable, match=f"is no answer: {why}"):
        read(in_envelope(CASES[name]["content"]))


THINKING = [
    "<think>\nThe RSI is 60, so...\n</think>\n\n",
    "no opening mark</think>",
    '<THINKING>{"signal": "Long", ...}</THINKING>',
    f"<reasoning>First idea: {DRAFT}, but no.</reasoning>",
    f"<thought>{DRAFT}</thought >",
    "[THINK]a list [1, {2}][/THINK]",
    "<think>a</think>between<think>b</think>",
    f"<think>never ended, first {DRAFT}, then ",
]
BEFORE = [
    "",
    "\ufeff",
    " \ufeff\n ",
    "Here is my analysis:\n",
    'With {braces}, {"open": and [brackets] in the prose: ',
    'As {"example": 1} shows, "quotes" too. ',
    f"My first answer was {DRAFT}\nbut better is\n",
    "It's 5 o'clock; \"{\" ",
]
AFTER = ["", "\n", "\nLet me know if you need more.", ' {"unit": "USD"} and }{ more', " <|im_end|>", "\x00"]
FENCES = [
    ("", ""),
    ("```json\n", "\n```"),
    ("```JSON\n", "\n```"),
    ("```json", "```"),
    ("```\n", "\n```"),
    ("~~~json\n", "\n~~~"),
    ("<answer>", "</answer>"),
]
WRAPS = [
    "{}",
    "[{}]",
    '{{"market_analysis": {}}}',
    '{{"result": {{"data": [{}]}}, "ok": true}}',
    '{{"signal": "Short", "answer": {}}}',
]


@pytest.mark.parametrize("thinking", THINKING)
def test_thinking_before_the_reply_is_no_part_of_it(thinking: str) -> None:
    assert read(thinking + TEXT) == EXPECTED


@given(
    st.sampled_from(["", *THINKING]),
    st.sampled_from(BEFORE),
    st.sampled_from(FENCES),
    st.sampled_from(WRAPS),
    st.booleans(),
    st.sampled_from([None, 2]),
    st.sampled_from(AFTER),
)
def test_a_good_reply_is_read_in_every_accepted_decoration(
    thinking: str, before: str, fence: tuple[str, str], wrap: str, quoted: bool, indent: int | None, after: str
) -> None:
    wrapped = wrap.format(json.dumps(GOOD, indent=indent))
    reply = json.dumps(wrapped) if quoted else wrapped
    assert read(thinking + before + fence[0] + reply + fence[1] + after) == EXPECTED


@given(st.text(st.characters(exclude_characters="<[\u25c1")), st.text(st.characters(exclude_characters="<[\u25c1")))
def test_a_good_reply_is_read_between_any_words(before: str, after: str) -> None:
    assert read(f"{before}\n{TEXT}\n{after}") == EXPECTED


@given(st.text(max_size=80).map(lambda text: f"The trend: {text}."))
def test_no_words_of_the_reasoning_are_taken_for_the_reply(words: str) -> None:
    said = json.dumps(GOOD | {"reasoning": f"{words} {DRAFT} </think> ```"})
    assert read(f"```json\n{said}\n```").signal == "Long"


def test_of_several_objects_the_last_that_fits_counts() -> None:
    assert read(f"{DRAFT}\n{TEXT}") == EXPECTED
    assert read(f"[{DRAFT}, {TEXT}]") == EXPECTED
    assert read(f'{DRAFT} {TEXT} {json.dumps(GOOD | {"signal": "Long or Short"})} {{"note": 1}}') == EXPECTED


def test_an_object_within_the_reply_is_not_taken_for_it() -> None:
    assert read(json.dumps(GOOD | {"alternative": json.loads(DRAFT)})) == EXPECTED


def test_a_wrapper_may_hold_the_reply_as_a_string() -> None:
    assert read(json.dumps({"role": "assistant", "content": TEXT})) == EXPECTED
    assert read(json.dumps({"content": [f"[{TEXT}]"]})) == EXPECTED
    assert read(json.dumps(json.dumps({"content": json.dumps({"result": TEXT})}))) == EXPECTED


def test_a_line_break_within_a_string_does_not_spoil_the_reply() -> None:
    assert read(TEXT.replace("points", "points\n")).reasoning == EXPECTED.reasoning


def test_a_thought_alone_is_no_answer() -> None:
    with pytest.raises(LlmUnavailable, match="no whole JSON object"):
        read(f"<think>{TEXT}</think>")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "there is no whole JSON object in it"),
        ("I would go long.", "there is no whole JSON object in it"),
        ('{"signal": "Lo', "there is no whole JSON object in it"),
        (TEXT[:-1] + ",}", "there is no whole JSON object in it"),
        (TEXT.replace("Long", "Bullish"), "signal: needs Long, Short or Neutral"),
        (TEXT.replace("0.7", "8"), "confidence: has to be between 0 and 1"),
        (TEXT.replace("0.7", '"high"'), "confidence: needs a number"),
        (TEXT.replace("0.7", "1e999"), "confidence: needs a finite number"),
        (TEXT.replace("0.7", "1" * 5000), "confidence: "),
        ("Either " + TEXT.replace("signal", "sign") + " or nothing", "signal: needs a value"),
        (f"{DRAFT.replace('Short', 'Up')} {TEXT.replace('0.7', '7')}", "confidence: "),
    ],
)
def test_a_refusal_says_what_is_wrong_with_the_last_reply(content: str, why: str) -> None:
    with pytest.raises(LlmUnavailable) as refused:
        read(content)
    assert refused.value.message.startswith(f"the LLM's reply is no answer: {why}")
    assert refused.value.reason == INVALID_REPLY


@pytest.mark.parametrize(("schema", "said"), [(TradeReply, REVIEW), (SelfAnalysisReply, SETTINGS)])
def test_reviews_are_read_in_the_same_way(schema: type[ReplyModel], said: dict[str, Any]) -> None:
    plain = read_reply(schema, json.dumps(said))
    for content in (
        f"<think>so</think>```json{json.dumps(said)}```",
        json.dumps({"review": [said]}),
        json.dumps(said) * 2,
    ):
        assert read_reply(schema, content) == plain


def test_a_setting_may_be_a_number_in_a_string() -> None:
    assert read_reply(SelfAnalysisReply, json.dumps(SETTINGS)).changes[0].value == 12


LONG = 200_000
HOSTILE = [
    "{",
    "[",
    "}",
    '{"',
    '{"a":',
    '{"a":1,',
    '{"a":[',
    '"{\\"',
    '{"a":{"b":1},',
    "</think>",
    '{"a":1}',
    "[{",
    '"',
    "\\",
    "{ ",
]


class CountingDecoder(json.JSONDecoder):
    """Counts its tries and the characters that they read."""

    def __init__(self) -> None:
        super().__init__(strict=False, parse_int=float)
        self.tries = self.characters = 0

    def raw_decode(self, text: str, position: int = 0) -> tuple[Any, int]:
        self.tries += 1
        try:
            value, end = super().raw_decode(text, position)
        except json.JSONDecodeError as error:
            self.characters += error.pos - position
            raise
        self.characters += end - position
        return value, end


@pytest.mark.parametrize(
    "content",
    [*(piece * (LONG // len(piece)) for piece in HOSTILE), '{"a":' * 300 + "[" + "1," * (LONG // 2)],
    ids=[*HOSTILE, "an open list at depth 300"],
)
def test_the_work_on_a_hostile_reply_is_bounded(content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = CountingDecoder()
    monkeypatch.setattr(reply_objects, "_DECODER", decoder)
    with pytest.raises(LlmUnavailable):
        read(content)
    assert decoder.tries <= reply_objects.MAX_WORK / reply_objects.PER_TRY
    assert decoder.characters <= reply_objects.MAX_WORK + 2 * LONG


@given(st.text() | st.lists(st.sampled_from([*HOSTILE, TEXT, TEXT[:50], *THINKING, "\ud800"])).map("".join))
def test_no_text_raises_anything_but_that_there_is_no_answer(content: str) -> None:
    with suppress(LlmUnavailable):
        assert isinstance(read(content), AnalysisReply)
