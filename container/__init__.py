"""The composition root: the one place where adapters are chosen and the parts are put together."""

from container.building import Container, build_container
from container.checks import check_adapters
from container.tracing import make_tracing, tracing_as_configured

__all__ = ["Container", "build_container", "check_adapters", "make_tracing", "tracing_as_configured"]
