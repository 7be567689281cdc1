"""The parts that routes declare have their types in the container."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, get_args, get_type_hints

import pytest
from starlette.requests import HTTPConnection

from api import parts
from container import Container


class Typed:
    """Something of this type, whose attributes have the declared types."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind

    def __getattr__(self, name: str) -> Typed:
        return Typed((get_type_hints(self.kind) or get_type_hints(self.kind.__init__))[name])


PARTS = {name: alias for name, alias in vars(parts).items() if name.endswith("Part")}


@pytest.mark.parametrize("name", PARTS)
async def test_a_declared_part_has_its_type_in_the_container(name: str) -> None:
    declared, depends = get_args(PARTS[name])
    app = SimpleNamespace(state=SimpleNamespace(container=Typed(Container)))
    found = (await depends.dependency(HTTPConnection({"type": "http", "app": app}))).kind
    if getattr(declared, "_is_protocol", False):
        assert all(hasattr(found, member) for member in vars(declared) if not member.startswith("_"))
    else:
        assert found == declared
