"""What every test has: a marker from its folder, asyncio, and the real servers that it asks for."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.servers import (
    Broker,
    Influx,
    Influxd,
    Mosquitto,
    NamedBroker,
    Toxiproxy,
    find,
    need_mosquitto,
)

if TYPE_CHECKING:
    from telemetry.store.influx import InfluxStore

TESTS = Path(__file__).parent
FOLDERS = ("architecture", "unit", "contracts", "integration", "acceptance", "hardware")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each test is marked with the name of its folder, before `-m` chooses."""
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        if folder not in FOLDERS:
            raise pytest.UsageError(f"{item.nodeid}: a test lives in one of tests/{{{','.join(FOLDERS)}}}/")
        item.add_marker(folder)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The programs run on asyncio (aiomqtt does), so the tests do too."""
    return "asyncio"


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Broker]:
    """A Mosquitto without persistence: the one `E3P_TEST_MQTT` names, else one of this test's own."""
    if url := os.environ.get("E3P_TEST_MQTT"):
        yield NamedBroker.from_url(url)
        return
    with Mosquitto(need_mosquitto(), tmp_path) as broker:
        yield broker


@pytest.fixture(scope="session")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx]:
    """An InfluxDB 2 that all tests of one worker share, in buckets of their own: `E3P_TEST_INFLUX` names it,
    or one is started.
    """
    if url := os.environ.get("E3P_TEST_INFLUX"):
        yield Influx.named(url)
        return
    with Influxd(find("influxd", "influxd"), tmp_path_factory.mktemp("influxd")) as server:
        yield server.influx


@pytest.fixture
def bucket(influx: Influx) -> Iterator[str]:
    """A bucket's name of the test's own; all that belongs to it is gone afterwards."""
    from tests.influx import fresh

    with fresh(influx) as name:
        yield name


@pytest.fixture
async def server_store(influx: Influx, bucket: str) -> AsyncIterator[InfluxStore]:
    """An open store in that bucket."""
    from tests.influx import influx_store

    store = influx_store(influx, bucket)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def influxd(tmp_path: Path) -> Iterator[Influxd]:
    """An InfluxDB 2 of this test's own, which it may stop, kill and start again."""
    binary = find("influxd", "influxd")
    (folder := tmp_path / "influxd").mkdir()
    with Influxd(binary, folder) as server:
        yield server


@pytest.fixture
def toxiproxy(tmp_path: Path) -> Iterator[Toxiproxy]:
    """Ways to a server that can be made slow, cut, or half open."""
    with Toxiproxy(find("toxiproxy-server", "toxiproxy"), tmp_path) as server:
        yield server
