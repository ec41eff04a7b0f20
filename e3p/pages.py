"""Where a part answers `/healthz` and `/metrics`: nowhere, unless a port was set."""

from __future__ import annotations

from collections.abc import Callable

from e3p.settings import Settings
from telemetry.runtime.http import Health, HealthServer
from telemetry.runtime.service import Service


def page(
    settings: Settings, port: int | None, health: Callable[[], Health], metrics: Callable[[], bytes]
) -> list[Service]:
    """The page of a part as a service, or none."""
    if port is None:
        return []
    return [HealthServer(health, host=settings.common.metrics_host, port=port, metrics=metrics)]
