"""Merkle trees: one hash that stands for many texts, and the path that proves that one of them is among these.

Source: Laurie, Langley and Kasper, Certificate Transparency, RFC 6962 (2013), section 2.1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

HASH_BYTES = 32
# Leaves and inner nodes begin differently, so that no node can pass for a leaf.
_LEAF, _NODE = b"\x00", b"\x01"


def leaf_hash(text: bytes) -> bytes:
    """Return the hash of a leaf."""
    return hashlib.sha256(_LEAF + text).digest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over hashes of leaves; that of none is the hash of an empty text."""
    if not leaves:
        return hashlib.sha256().digest()
    level = list(leaves)
    while len(level) > 1:
        level = _above(level)
    return level[0]


def merkle_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the neighbors that lead from a leaf to the root, the lowest first.

    Args:
        leaves: Hashes of all leaves.
        index: Of the leaf, 0 to len(leaves) - 1.
    """
    path, level = [], list(leaves)
    while len(level) > 1:
        neighbor = index ^ 1
        if neighbor < len(level):
            path.append(level[neighbor])
        level, index = _above(level), index // 2
    return path


def _above(level: Sequence[bytes]) -> list[bytes]:
    pairs = [_node(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
    return [*pairs, level[-1]] if len(level) % 2 else pairs


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(_NODE + left + right).digest()
