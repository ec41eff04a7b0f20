"""The servers that tests get are ones that a test can take away, and none is mistaken for another."""

from __future__ import annotations

import socket
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import Influx, Influxd, Mosquitto, Proxy, Toxiproxy, need_mosquitto
from tests.servers.process import built


def buckets(influx: Influx) -> list[str]:
    return [bucket["name"] for bucket in influx.call("GET", "/api/v2/buckets")["buckets"]]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        yield server


def heard(listener: socket.socket, proxy: Proxy) -> bytes:
    """What a client of the proxy hears of the five bytes that the server says."""
    with socket.create_connection((proxy.host, proxy.port)) as client:
        client.settimeout(1)
        server, _ = listener.accept()
        with server:
            server.sendall(b"hello")
            return client.recv(5)


def test_an_influxdb_is_set_up_and_takes_its_token(influx: Influx) -> None:
    assert "first" in buckets(influx)


def test_an_influxdb_refuses_another_token(influx: Influx) -> None:
    with pytest.raises(urllib.error.HTTPError, match="401"):
        buckets(influx._replace(token="another"))


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_an_influxdb_comes_back_on_its_port_with_what_it_held(influxd: Influxd, how: str) -> None:
    org = influxd.influx.call("GET", "/api/v2/orgs")["orgs"][0]["id"]
    influxd.influx.call("POST", "/api/v2/buckets", {"orgID": org, "name": "mine"})
    getattr(influxd, how)()
    with pytest.raises(OSError, match="refused"):
        buckets(influxd.influx)
    influxd.start()
    assert "mine" in buckets(influxd.influx)


def test_a_proxy_passes_on_what_it_hears(toxiproxy: Toxiproxy, listener: socket.socket) -> None:
    assert heard(listener, toxiproxy.proxy(listener.getsockname()[1])) == b"hello"


def test_a_proxy_that_was_cut_takes_connections_again_on_its_port(
    toxiproxy: Toxiproxy, listener: socket.socket
) -> None:
    proxy = toxiproxy.proxy(listener.getsockname()[1])
    proxy.cut()
    with pytest.raises(ConnectionRefusedError):
        heard(listener, proxy)
    proxy.mend()
    assert heard(listener, proxy) == b"hello"


def test_a_half_open_way_is_healed(toxiproxy: Toxiproxy, listener: socket.socket) -> None:
    proxy = toxiproxy.proxy(listener.getsockname()[1])
    proxy.toxic("timeout", timeout=0)
    with pytest.raises(TimeoutError):
        heard(listener, proxy)
    proxy.heal("timeout")
    assert heard(listener, proxy) == b"hello"


def test_a_server_whose_port_another_process_has_does_not_count_as_up(
    tmp_path: Path, listener: socket.socket
) -> None:
    binary = need_mosquitto()
    server = Mosquitto(binary, tmp_path)
    server.port = listener.getsockname()[1]
    with pytest.raises(OSError, match="not up on port"):
        server.start()
    server.stop()


def test_the_cache_s_folder_is_named_by_the_recipe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    places = [built(tool) for tool in ("influxd", "toxiproxy", "compose")]
    assert len({place.parent.name for place in places}) == 3
    assert all(place.is_relative_to(tmp_path / "e3p-test-servers") for place in places)
