"""Calls from recorded answers, such as those that an LLM gave to a history."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AliasChoices, AliasPath, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import from_json

from backtesting.trading.orders import Call
from config.errors.needs import named_need_of
from domain.errors import InvalidRequest
from domain.market import CandleSeries
from domain.values import FIRST_MS, LAST_MS, Frozen, Price, Share, Signal, epoch_ms
from rules.plans import HORIZON_CANDLES
from rules.risk import CAPITAL_AT_RISK, MAX_POSITION

MAX_BYTES = 64 * 1024 * 1024
# The moment of a replay comes before the time at which the replay was made.
_MOMENTS = ("as_of", "timestamp", "generated_at")


def _moment_ms(value: object) -> int:
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError(f"{value} has no offset from UTC, such as Z")
        return epoch_ms(moment)
    if isinstance(value, bool) or not isinstance(value, int) or not FIRST_MS <= value < LAST_MS:
        raise ValueError(f"{value} is no time in epoch milliseconds, such as 1696876800000, or in ISO form")
    return value


class RecordedAnswer(Frozen):
    """An answer to a market at one moment: the keys of an analysis, or fewer.

    Attributes:
        moment_ms: `as_of`, else `timestamp`, else `generated_at`: epoch ms, or ISO with an offset.
        stop, target: Also as the suggestions of a `risk_assessment`; needed unless it is Neutral.
        size: Recommended share of the capital, also of a `risk_assessment`; the rules' own where there is none.
    """

    model_config = ConfigDict(extra="ignore")

    moment_ms: Annotated[int, BeforeValidator(_moment_ms)]
    symbol: str
    signal: Signal
    confidence: Share
    stop: Price | None = Field(
        None, validation_alias=AliasChoices("stop", AliasPath("risk_assessment", "stop_loss_suggestion"))
    )
    target: Price | None = Field(
        None, validation_alias=AliasChoices("target", AliasPath("risk_assessment", "take_profit_suggestion"))
    )
    size: Share | None = Field(
        None, validation_alias=AliasChoices("size", AliasPath("risk_assessment", "recommended_position_size"))
    )

    @model_validator(mode="before")
    @classmethod
    def _find_moment(cls, keys: Any) -> Any:
        if not isinstance(keys, Mapping):
            raise ValueError("is no object")  # noqa: TRY004 (pydantic reports it)
        found = next((keys[name] for name in _MOMENTS if keys.get(name) is not None), None)
        if found is None:
            raise ValueError(f"has none of {', '.join(_MOMENTS)}")
        return {**keys, "moment_ms": found}

    @model_validator(mode="after")
    def _sides_fit(self) -> Self:
        side = self.signal.side
        if side and (self.stop is None or self.target is None or side * (self.target - self.stop) <= 0):
            raise ValueError(
                f"a {self.signal} needs a stop on the losing side of its target, received stop {self.stop} and "
                f"target {self.target}"
            )
        return self


def read_answers(content: bytes) -> list[RecordedAnswer]:
    """Return the answers in a JSON list, or in one JSON object a line.

    Raises:
        InvalidRequest: it is too long, no JSON, or an answer lacks something; the message says which and what.
    """
    if len(content) > MAX_BYTES:
        raise InvalidRequest(f"recorded answers take at most {MAX_BYTES:,} bytes, received {len(content):,}")
    return [_answer(number, keys) for number, keys in enumerate(_objects(content), 1)]


def recorded_calls(answers: Sequence[RecordedAnswer], symbol: str, series: CandleSeries, ground: str) -> list[Call]:
    """Return the directional calls for one market.

    A call is filled at the first open at or after the moment of its answer. Where there are several of them between two
    opens, the last one counts; those of before the first candle do not.

    Args:
        answers: Of any markets, in any order.
        symbol: The market.
        series: The candles that are traded.
        ground: For the trades.
    """
    opens_ms, closes = series.times_ms.tolist(), series.closes.tolist()
    of_market = (answer for answer in answers if answer.symbol == symbol)
    newest = {
        bisect_left(opens_ms, answer.moment_ms) - 1: answer
        for answer in sorted(of_market, key=lambda answer: answer.moment_ms)
    }
    return [
        Call(
            position=position,
            side=answer.signal,
            stop=answer.stop,
            target=answer.target,
            horizon_candles=HORIZON_CANDLES,
            size=_usual_size(closes[position], answer.stop) if answer.size is None else answer.size,
            confidence=answer.confidence,
            ground=ground,
        )
        for position, answer in newest.items()
        if position >= 0 and answer.stop is not None and answer.target is not None and answer.signal.side
    ]


def _usual_size(price: float, stop: float) -> float:
    """Return the share of capital that loses a hundredth of it at the stop, as the rules have it."""
    distance = abs(price - stop) / price
    return min(CAPITAL_AT_RISK / distance, MAX_POSITION) if distance else MAX_POSITION


def _objects(content: bytes) -> list[Any]:
    try:
        whole = from_json(content)
    except ValueError:
        lines = [(number, line) for number, line in enumerate(content.splitlines(), 1) if line.strip()]
        return [_line(number, line) for number, line in lines]
    return whole if isinstance(whole, list) else [whole]


def _line(number: int, line: bytes) -> Any:
    try:
        return from_json(line)
    except ValueError as error:
        raise InvalidRequest(f"line {number} of the recorded answers is no JSON: {error}") from error


def _answer(number: int, keys: Any) -> RecordedAnswer:
    try:
        return RecordedAnswer.model_validate(keys)
    except ValidationError as error:
        raise InvalidRequest(f"recorded answer {number}: {named_need_of(error.errors()[0])}") from error
