"""Where a row keeps its frames: new SQLite files, or new buckets of an InfluxDB 2 of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from telemetry.contract.secret import Secret
from telemetry.store.access import NOTHING, Access
from telemetry.store.interface import Store
from telemetry.store.open import opened_store
from tests.servers import find
from tests.servers.influxd import Influxd

StoreName = Literal["sqlite", "influx"]


class Shelf:
    """`fresh` names an empty store; `env` is what programs need to open it; `influxd` None for SQLite.

    What a store keeps on a disk is in `disk`; programs may have to take another `way` to the server.
    """

    def __init__(self, disk: Path, influxd: Influxd | None = None) -> None:
        self.disk = disk
        self.influxd = influxd
        self.way: tuple[str, int] | None = None
        token = influxd.influx.token if influxd else None
        self.env = {"E3P_STORE_TOKEN": token} if token else {}
        self._access = Access(Secret(token)) if token else NOTHING

    def fresh(self, name: str) -> str:
        """The URL of a store that holds nothing."""
        return self.influxd.influx.store(name) if self.influxd else f"sqlite:///{self.disk / name}.db"

    def through_its_way(self, url: str) -> str:
        """The URL as the line's programs are given it."""
        if self.way is None:
            return url
        parts = urlsplit(url)
        return parts._replace(netloc=f"{self.way[0]}:{self.way[1]}").geturl()

    def opened(self, url: str) -> AbstractAsyncContextManager[Store]:
        """A store of this shelf, to be read, on the straight way."""
        return opened_store(url, create=False, access=self._access)


@contextmanager
def opened_shelf(store: StoreName, folder: Path) -> Iterator[Shelf]:
    """A shelf, with its server where it needs one."""
    disk = folder / "store"
    disk.mkdir()
    if store == "sqlite":
        yield Shelf(disk)
        return
    with Influxd(find("influxd", "influxd"), disk) as influxd:
        yield Shelf(disk, influxd)
