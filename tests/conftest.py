"""What every test has: a marker from its folder, asyncio, and a real Mosquitto where it asks for one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from tests.servers import Broker, Mosquitto, NamedBroker, find_mosquitto

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


def missing_server(words: str) -> NoReturn:
    """A laptop may lack a server, and skips; a CI that lacks one has not tested, and fails."""
    if os.environ.get("CI"):
        pytest.fail(words)
    pytest.skip(words)


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Broker]:
    """A Mosquitto without persistence: the one `E3P_TEST_MQTT` names, else one of this test's own."""
    if url := os.environ.get("E3P_TEST_MQTT"):
        yield NamedBroker.from_url(url)
        return
    binary = find_mosquitto()
    if binary is None:
        missing_server("no Mosquitto: apt-get install mosquitto, or name a running one in E3P_TEST_MQTT")
    with Mosquitto(binary, tmp_path) as broker:
        yield broker
