"""What a broker is to a test, and a broker that is not the test's own."""

from __future__ import annotations

from typing import Protocol
from urllib.parse import urlsplit

import pytest


class Broker(Protocol):
    """An MQTT broker that a test can take away and give back, always on one address."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """`mqtt://HOST:PORT`."""

    def start(self) -> None:
        """Start it, and return when it accepts connections. It comes back empty: nothing is persisted."""

    def stop(self) -> None:
        """End it, with every session and retained message it had."""

    def kill(self) -> None:
        """End it with SIGKILL: no goodbye to its clients."""

    def restart(self) -> None:
        """Stop and start."""


class NamedBroker:
    """A broker that somebody else runs: a test that has to take it away is skipped."""

    def __init__(self, url: str, host: str, port: int) -> None:
        self._url, self.host, self.port = url, host, port

    @property
    def url(self) -> str:
        return self._url

    @classmethod
    def from_url(cls, url: str) -> NamedBroker:
        """From `mqtt://HOST[:PORT]`."""
        parts = urlsplit(url)
        return cls(url, parts.hostname or "127.0.0.1", parts.port or 1883)

    def _not_ours(self) -> None:
        pytest.skip("the broker in E3P_TEST_MQTT is not ours to stop")

    start = stop = kill = restart = _not_ours
