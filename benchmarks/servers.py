"""Real servers for a benchmark: Mosquitto and InfluxDB 2 on loopback, in a folder that goes with them."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.harness import LeftOut
from benchmarks.processes import CONNECTED
from e3p.children import Child
from telemetry.contract.secret import Secret
from telemetry.store.access import Access
from telemetry.store.interface import Store
from telemetry.store.open import open_store
from tests.servers import Influx, Influxd, Mosquitto, find_mosquitto
from tests.servers.process import built


class Bench(NamedTuple):
    """The servers of a run."""

    influx: Influx
    mosquitto: Mosquitto
    folder: Path

    def new_store(self) -> str:
        """The URL of a store that nobody has used."""
        return self.influx.store(f"bench-{secrets.token_hex(4)}")

    def store(self, url: str) -> Store:
        """A store of these, not opened yet."""
        return open_store(url, access=self.access)

    @property
    def access(self) -> Access:
        """The right to do everything."""
        return Access(token=Secret(self.influx.token))

    @asynccontextmanager
    async def collecting(self, url: str) -> AsyncIterator[Child]:
        """`e3p collect` into a store, connected."""
        env = {**os.environ, "E3P_STORE": url, "E3P_STORE_TOKEN": self.influx.token}
        with Child(["collect", "--mqtt", self.mosquitto.url], self.folder / "collect.log", env) as collector:
            await collector.says(CONNECTED)
            yield collector


@contextmanager
def servers() -> Iterator[Bench]:
    """Both, running. Raises `LeftOut` where one is not installed."""
    influxd = shutil.which("influxd") or shutil.which("influxd", path=str(built("influxd")))
    mosquitto = find_mosquitto()
    if influxd is None or mosquitto is None:
        raise LeftOut("it takes Mosquitto and influxd: `make servers`")
    with tempfile.TemporaryDirectory(prefix="e3p-bench-") as name:
        folder = Path(name)
        with Influxd(influxd, folder) as influx, Mosquitto(mosquitto, folder) as broker:
            yield Bench(influx.influx, broker, folder)
