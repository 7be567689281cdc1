"""The composition root: the one place where adapters are chosen and the parts are put together."""

from container.building import build_container
from container.checks import check_adapters
from container.parts import Container

__all__ = ["Container", "build_container", "check_adapters"]
