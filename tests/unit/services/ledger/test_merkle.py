"""Merkle roots and paths, against the known answers of RFC 6962 and against each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ledger.proofs.merkle import leaf_hash, merkle_path, merkle_root
from tests.fixtures.merkle_proofs import root_of_path

# The leaves of the reference tests of Certificate Transparency, and the roots of the first n of them.
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("count", range(len(ROOTS)))
def test_roots_are_those_of_certificate_transparency(count: int) -> None:
    leaves = [leaf_hash(bytes.fromhex(text)) for text in LEAVES[:count]]
    assert merkle_root(leaves).hex() == ROOTS[count]


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=40), st.data())
def test_every_path_leads_to_the_root_and_no_other_leaf_does(texts: list[bytes], data: st.DataObject) -> None:
    leaves = [leaf_hash(text) for text in texts]
    index = data.draw(st.integers(0, len(leaves) - 1))
    path = merkle_path(leaves, index)
    assert root_of_path(leaves[index], index, len(leaves), path) == merkle_root(leaves)
    assert root_of_path(leaf_hash(b"another"), index, len(leaves), path) != merkle_root(leaves)
