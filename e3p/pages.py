"""Where a part answers `/healthz` and `/metrics`: with the password and the certificate that were set."""

from __future__ import annotations

from collections.abc import Callable

from e3p.settings import Settings
from telemetry.runtime.certificate import exposition
from telemetry.runtime.http import Health, HealthServer
from telemetry.runtime.service import Service

HealthOf = Callable[[], Health]
MetricsOf = Callable[[], bytes]


def page(settings: Settings, port: int | None, health: HealthOf, metrics: MetricsOf) -> list[Service]:
    """The page of a part as a service, or none where no port was set."""
    if port is None:
        return []
    return [server(settings, (settings.common.metrics_host, port), health, metrics)]


def server(settings: Settings, place: tuple[str, int], health: HealthOf, metrics: MetricsOf) -> HealthServer:
    """The page on a host and port. When this program's certificate expires stands among its metrics."""
    host, port = place
    return HealthServer(
        health,
        host=host,
        port=port,
        metrics=lambda: metrics() + exposition(settings.common.mqtt_cert),
        password=settings.common.page_password(),
    )
