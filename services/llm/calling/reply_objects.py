"""JSON objects in the text of a reply: after thinking, in fences, between words, and in other JSON."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator, Set
from typing import Any

# Work on one reply: characters that are read without finding JSON, and `PER_TRY` for each try. A reply that needs
# more is refused: without a limit, 200 kB of braces would occupy the event loop for seconds.
MAX_WORK = 1_000_000
PER_TRY = 500

# The end of the thinking; an object; a string that contains an object, alone or in an array.
_MARK = re.compile(
    r"(?P<thought>[<\[\u25c1]/(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|scratchpad)\s?[>\]\u25b7])"
    r'|\{\s*"|"(?:[\s\[]|\\[nrt])*\{(?:\s|\\[nrt])*\\"',
    re.IGNORECASE,
)
# Line breaks in strings are taken as they are, and integers of any length as numbers.
_DECODER = json.JSONDecoder(strict=False, parse_int=float)


class _TooMuch(Exception):
    """The reply has too much that looks like JSON."""


def objects_in(text: str, names: Set[str]) -> list[dict[str, Any]]:
    """Return the JSON objects of a text, in its order; numbers are floats and may be infinite or NaN.

    What stands in thinking that has ended is no part of the reply. Of JSON in other JSON, the outermost comes
    first. A text that is nested without end, or has too much that looks like JSON, has no objects.

    Args:
        text: Of any length and content.
        names: Keys of the object that is looked for; an object that has them all is not searched further.
    """
    try:
        return _Search(names).objects_in(text)
    except (_TooMuch, RecursionError):
        return []


class _Search:
    def __init__(self, names: Set[str]) -> None:
        self._names = names
        self._work = 0

    def objects_in(self, text: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        position = 0
        while mark := _MARK.search(text, position):
            if mark["thought"]:
                found.clear()
                position = mark.end()
            else:
                value, position = self._decode(text, mark.start())
                found += self._objects_of(value)
        return found

    def _objects_of(self, value: Any) -> Iterator[dict[str, Any]]:
        waiting = deque([value])
        while waiting:
            match waiting.popleft():
                case dict() as item:
                    yield item
                    if not self._names <= item.keys():
                        waiting.extend(item.values())
                case list() as items:
                    waiting.extend(items)
                case str() as text if text.lstrip().startswith(("{", "[")):
                    waiting.append(self._decode(text.lstrip(), 0)[0])

    def _decode(self, text: str, start: int) -> tuple[Any, int]:
        """Return the JSON that starts there and its end; None and the next position where there is none."""
        self._work += PER_TRY
        if self._work > MAX_WORK:
            raise _TooMuch
        try:
            return _DECODER.raw_decode(text, start)
        except json.JSONDecodeError as error:
            self._work += error.pos - start
            return None, start + 1
