"""Hashes and signatures of results, so that a result can be told from one that was altered."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from domain.errors import InvalidRequest

CARD, SIGNATURE = "run", "signature"


def digest_of(values: Any) -> str:
    """Return the SHA-256 (hex) of JSON-like values, which does not depend on the order of keys."""
    return hashlib.sha256(_canonical(values)).hexdigest()


def signed(result: Mapping[str, Any], key: SecretStr) -> dict[str, Any]:
    """Return a result whose run card has the signature of all of it: HMAC-SHA256, hex."""
    return {**result, CARD: {**result[CARD], SIGNATURE: _signature(result, key)}}


def is_genuine(result: Mapping[str, Any], key: SecretStr) -> bool:
    """Return whether a result is as it was signed with the key; numbers may be written in another form.

    Raises:
        InvalidRequest: it has no signed run card.
    """
    card = result.get(CARD)
    signature = card.get(SIGNATURE) if isinstance(card, Mapping) else None
    if not isinstance(signature, str):
        raise InvalidRequest("no result of a backtest: it has no run card with a signature")
    return hmac.compare_digest(signature.encode(), _signature(result, key).encode())


def _signature(result: Mapping[str, Any], key: SecretStr) -> str:
    card = {name: value for name, value in result[CARD].items() if name != SIGNATURE}
    content = _canonical({**result, CARD: card})
    return hmac.new(key.get_secret_value().encode(), content, hashlib.sha256).hexdigest()


def _canonical(values: Any) -> bytes:
    text = json.dumps(_plain(values), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode()


def _plain(values: Any) -> Any:
    """Return the values with whole numbers as integers: some writers of JSON make 1 of 1.0."""
    if isinstance(values, float) and values.is_integer():
        return int(values)
    if isinstance(values, Mapping):
        return {str(name): _plain(value) for name, value in values.items()}
    if isinstance(values, list | tuple):
        return [_plain(value) for value in values]
    return values
