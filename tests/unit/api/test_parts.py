"""The parts that routes declare are those that the container has under their types."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace
from typing import Any, get_args, get_type_hints

import pytest
from starlette.requests import HTTPConnection

from api import parts
from container import Container

PARTS = {name: alias for name, alias in vars(parts).items() if name.endswith("Part")}


@pytest.mark.parametrize("name", PARTS)
async def test_a_declared_part_is_the_containers_field_of_that_type(name: str) -> None:
    declared, depends = get_args(PARTS[name])
    container = SimpleNamespace(**{field.name: field.name for field in fields(Container)})
    app = SimpleNamespace(state=SimpleNamespace(container=container))
    field = await depends.dependency(HTTPConnection({"type": "http", "app": app}))
    found: Any = get_type_hints(Container)[field]
    if getattr(declared, "_is_protocol", False):
        assert all(hasattr(found, member) for member in vars(declared) if not member.startswith("_"))
    else:
        assert found == declared
