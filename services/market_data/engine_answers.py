"""Answers of the trading engine's API, each in an envelope."""

from __future__ import annotations

from typing import Generic, TypeVar

import httpx2
import msgspec

from services.market_data.fetching import SourceFailed, fetch
from services.market_data.parsing import decode

Data = TypeVar("Data")


class EngineAnswer(msgspec.Struct, Generic[Data]):
    """The envelope of every answer; `data` is missing or null where `success` is false."""

    success: bool
    data: Data | None = None


async def ask_engine(
    client: httpx2.AsyncClient, base_url: str, path: str, decoder: msgspec.json.Decoder[EngineAnswer[Data]]
) -> Data:
    """Return the data of an answer.

    Args:
        client: Bounds the time.
        base_url: The engine's address, with or without a slash at the end.
        path: What is asked for, with a slash before it.
        decoder: Of the answer.

    Raises:
        SourceFailed: the engine cannot be reached, or answers nonsense, without success or without data.
    """
    answer = decode(decoder, (await fetch(client, f"{base_url.rstrip('/')}{path}", {}, frozenset())).body)
    if not answer.success or answer.data is None:
        raise SourceFailed("answered without success" if not answer.success else "answered without data")
    return answer.data
