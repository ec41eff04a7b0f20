"""Disks that are full for a while: a small file system in memory, filled to the last byte."""

from __future__ import annotations

import random
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path

import anyio.to_thread

from tests.faults.row import Row, Unpermitted
from tests.faults.scene import Scene
from tests.faults.shelf import StoreName

SIZE_MIB = 64
CHUNK = 64 * 1024
ENOSPC = "ENOSPC"


@asynccontextmanager
async def small_disk(place: str, scene: Scene) -> AsyncIterator[None]:
    """A file system of its own where the spool or the store lies."""
    influxd = scene.shelf.influxd if place == "server" else None
    if influxd is not None:
        await anyio.to_thread.run_sync(influxd.stop)
    with mounted(disk(place, scene)):
        try:
            if influxd is not None:
                await anyio.to_thread.run_sync(influxd.start)
            yield
        finally:
            scene.end()
            if influxd is not None:
                influxd.stop()


@contextmanager
def mounted(folder: Path) -> Iterator[None]:
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unpermitted(f"a full disk takes a mount, and so root: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def disk(place: str, scene: Scene) -> Path:
    return scene.device.spool.parent if place == "node" else scene.shelf.disk


async def fill(place: str, scene: Scene, chance: random.Random) -> None:
    """Not one byte more fits."""
    del chance
    with (disk(place, scene) / "ballast").open("wb", buffering=0) as ballast:
        for size in (CHUNK, 512, 1):
            with suppress(OSError):
                while ballast.write(bytes(size)) == size:
                    pass


async def free(place: str, scene: Scene, chance: random.Random) -> None:
    """There is room again. An influxd that met a full disk may refuse all writes until it is restarted."""
    del chance
    (disk(place, scene) / "ballast").unlink()
    if place == "server" and scene.shelf.influxd is not None:
        await anyio.to_thread.run_sync(scene.shelf.influxd.restart)


def full(name: str, place: str, words: str, process: str, stores: tuple[StoreName, ...]) -> Row:
    return Row(
        name,
        words,
        process,
        ENOSPC,
        partial(fill, place),
        partial(free, place),
        lasts_s=3.0,
        prepared=partial(small_disk, place),
        stores=stores,
    )


ROWS = (
    full("disk-full-node", "node", "the node's disk full, then freed", "agent", ("sqlite", "influx")),
    full(
        "disk-full-server", "server", "the server's disk full, then freed", "collector, analyzer", ("sqlite",)
    ),
    full(
        "disk-full-influxd", "server", "influxd's disk full, freed, influxd restarted", "influxd", ("influx",)
    ),
)
