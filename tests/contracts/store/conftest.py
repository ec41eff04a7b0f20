"""Every store there is, made anew for each test: a new one is added to `MAKERS` and nowhere else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import pytest

from telemetry.store.interface import Store
from telemetry.store.sqlite import SqliteStore
from tests.influx import fresh, influx_maker
from tests.servers import Influx

Maker = Callable[..., Store]


@contextmanager
def _sqlite(request: pytest.FixtureRequest, place: str) -> Iterator[Maker]:
    folder: Path = request.getfixturevalue("tmp_path")
    yield partial(SqliteStore, folder / f"{place}.db", letter_bytes=1_000)


@contextmanager
def _influxdb(request: pytest.FixtureRequest, place: str) -> Iterator[Maker]:
    del place
    influx: Influx = request.getfixturevalue("influx")
    with fresh(influx) as bucket:
        yield influx_maker(influx, bucket)


# Each makes stores, not opened yet, that keep up to 1,000 bytes of letters; those of one place are the same.
MAKERS: dict[str, Callable[[pytest.FixtureRequest, str], AbstractContextManager[Maker]]] = {
    "influxdb": _influxdb,
    "sqlite": _sqlite,
}


@pytest.fixture(params=sorted(MAKERS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make(request: pytest.FixtureRequest, kind: str) -> Iterator[Maker]:
    with MAKERS[kind](request, "e3p") as maker:
        yield maker


@pytest.fixture
def make_other(request: pytest.FixtureRequest, kind: str) -> Iterator[Maker]:
    """Stores of the same kind, at another place."""
    with MAKERS[kind](request, "other") as maker:
        yield maker


@pytest.fixture
async def store(make: Maker) -> AsyncIterator[Store]:
    store = make()
    await store.open()
    yield store
    await store.close()
