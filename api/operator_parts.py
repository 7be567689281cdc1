"""The parts of the service that only operators' routes use."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from api.dependencies import get_container
from services.guards.disabled import Disabled
from services.guards.safe_mode import SafeMode
from services.reviews.decisions import SuggestionDecisions


async def _decisions(connection: HTTPConnection) -> SuggestionDecisions:
    return get_container(connection).decisions


async def _disabled(connection: HTTPConnection) -> Disabled:
    return get_container(connection).disabled


async def _safe_mode(connection: HTTPConnection) -> SafeMode:
    return get_container(connection).safe_mode


SafeModePart = Annotated[SafeMode, Depends(_safe_mode)]
DisabledPartsPart = Annotated[Disabled, Depends(_disabled)]
SuggestionDecisionsPart = Annotated[SuggestionDecisions, Depends(_decisions)]
