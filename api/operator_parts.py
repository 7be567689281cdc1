"""Parts of the service that only operators' routes use."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from api.dependencies import get_container
from services.notices.notifier import Notifier
from services.reports.reports import Reports
from services.webhooks.webhooks import Webhooks


async def _reports(connection: HTTPConnection) -> Reports:
    return get_container(connection).reports


async def _notices(connection: HTTPConnection) -> Notifier:
    return get_container(connection).notices


async def _webhooks(connection: HTTPConnection) -> Webhooks:
    return get_container(connection).webhooks


ReportsPart = Annotated[Reports, Depends(_reports)]
NoticesPart = Annotated[Notifier, Depends(_notices)]
WebhooksPart = Annotated[Webhooks, Depends(_webhooks)]
