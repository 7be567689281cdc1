"""The settings that a dashboard shows."""

from __future__ import annotations

from fastapi import APIRouter

from api.dependencies import DefaultLimit
from api.parts import EngineSettingsPart, SettingsPart
from api.schemas.operation.configuration import ServiceConfig
from services.configuration_report import report_configuration

dashboard = APIRouter(tags=["insights"])


@dashboard.get("/config", operation_id="config", summary="Settings in force", dependencies=[DefaultLimit])
async def config(settings: SettingsPart, engine: EngineSettingsPart) -> ServiceConfig:
    """Return the settings that a dashboard shows; no secret is among them."""
    return ServiceConfig.model_validate(report_configuration(settings, engine), from_attributes=True)
