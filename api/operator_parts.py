"""Parts of the service that only operators' routes use."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from api.dependencies import get_container
from services.guards.disabled import Disabled
from services.guards.safe_mode import SafeMode
from services.notices.notifier import Notifier
from services.reports.reports import Reports
from services.reviews.decisions import SuggestionDecisions
from services.webhooks.webhooks import Webhooks


async def _decisions(connection: HTTPConnection) -> SuggestionDecisions:
    return get_container(connection).decisions


async def _disabled(connection: HTTPConnection) -> Disabled:
    return get_container(connection).disabled


async def _notices(connection: HTTPConnection) -> Notifier:
    return get_container(connection).notices


async def _reports(connection: HTTPConnection) -> Reports:
    return get_container(connection).reports


async def _safe_mode(connection: HTTPConnection) -> SafeMode:
    return get_container(connection).safe_mode


async def _webhooks(connection: HTTPConnection) -> Webhooks:
    return get_container(connection).webhooks


DisabledPartsPart = Annotated[Disabled, Depends(_disabled)]
NoticesPart = Annotated[Notifier, Depends(_notices)]
ReportsPart = Annotated[Reports, Depends(_reports)]
SafeModePart = Annotated[SafeMode, Depends(_safe_mode)]
SuggestionDecisionsPart = Annotated[SuggestionDecisions, Depends(_decisions)]
WebhooksPart = Annotated[Webhooks, Depends(_webhooks)]
