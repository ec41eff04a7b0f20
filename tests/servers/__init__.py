"""Real servers for the tests: processes on loopback ports of their own, gone afterwards.

A fixture takes the address in an environment variable, else a program on PATH, else the one that
`make servers` built. Where none is, its tests are skipped on a laptop and fail when `CI` is set.
"""

from __future__ import annotations

from tests.servers.broker import Broker, NamedBroker
from tests.servers.influxd import Influx, Influxd
from tests.servers.mosquitto import Mosquitto, find_mosquitto, need_mosquitto
from tests.servers.process import find, free_port, missing_server
from tests.servers.toxiproxy import Proxy, Toxiproxy

__all__ = [
    "Broker",
    "Influx",
    "Influxd",
    "Mosquitto",
    "NamedBroker",
    "Proxy",
    "Toxiproxy",
    "find",
    "find_mosquitto",
    "free_port",
    "missing_server",
    "need_mosquitto",
]
