"""Every store there is, made anew for each test: a new one is added to `MAKERS` and nowhere else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from telemetry.store.interface import Store
from telemetry.store.sqlite import SqliteStore

# Each makes a store, not opened yet, that keeps up to 1,000 bytes of letters; twice in one folder: the same.
MAKERS: dict[str, Callable[[Path], Store]] = {
    "sqlite": lambda folder: SqliteStore(folder / "e3p.db", letter_bytes=1_000),
}


@pytest.fixture(params=sorted(MAKERS))
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    return lambda: MAKERS[request.param](tmp_path)


@pytest.fixture
async def store(make: Callable[[], Store]) -> AsyncIterator[Store]:
    store = make()
    await store.open()
    yield store
    await store.close()
