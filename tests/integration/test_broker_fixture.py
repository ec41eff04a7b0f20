"""The Mosquitto that tests get is one that a test can take away."""

from __future__ import annotations

import socket

import pytest

from tests.servers import Broker


def _connects(broker: Broker) -> bool:
    try:
        socket.create_connection((broker.host, broker.port), timeout=1).close()
    except ConnectionRefusedError:
        return False
    return True


def test_it_accepts_connections_at_its_url(mosquitto: Broker) -> None:
    assert _connects(mosquitto)
    assert mosquitto.url.startswith("mqtt")


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_it_goes_away_and_comes_back_on_the_same_port(mosquitto: Broker, how: str) -> None:
    getattr(mosquitto, how)()
    assert not _connects(mosquitto)
    mosquitto.start()
    assert _connects(mosquitto)
