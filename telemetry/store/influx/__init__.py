"""The store on InfluxDB 2: for fleets, and for Grafana."""

from __future__ import annotations

from telemetry.store.influx.address import Address
from telemetry.store.influx.store import InfluxStore

__all__ = ["Address", "InfluxStore"]
