"""A node that loses its power in the middle of a commit, and one whose disk flips bits."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import anyio

from edge_node.spool_wal import read_log
from tests.faults.row import Row
from tests.faults.rows.kills import SIGKILL, kill_agent
from tests.faults.scene import Scene

WAL_HEADER = 32
MOST_FLIPS = 4


def wal_of(spool: Path) -> Path:
    return spool.with_name(f"{spool.name}-wal")


async def tear(scene: Scene, chance: random.Random) -> None:
    """The agent dies, and a part of one more commit is at the end of its log, as a power cut leaves it."""
    await kill_agent(scene, chance)
    wal = wal_of(scene.device.spool)
    written = wal.read_bytes()
    again = written[WAL_HEADER : WAL_HEADER + chance.randrange(1, 4000)]
    torn = [again, bytes(len(again)), chance.randbytes(len(again))]
    with wal.open("ab") as file:
        file.write(chance.choice(torn))


async def flip(scene: Scene, chance: random.Random) -> None:
    """Agent and collector die, and a few bits of the spool, which has a backlog, are not what they were."""
    scene.programs["collect"].kill()
    await anyio.sleep(1.0 + chance.random())
    await kill_agent(scene, chance)
    spool = scene.device.spool
    if chance.random() < 0.5:  # the backlog rests in the database, not in its log
        with closing(sqlite3.connect(spool)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    files = [file for file in (spool, wal_of(spool)) if file.exists() and file.stat().st_size]
    for _ in range(chance.randrange(1, MOST_FLIPS + 1)):
        flip_one(chance.choice(files), chance)


def flip_one(path: Path, chance: random.Random) -> None:
    """One bit of a file, but of the last commit: nobody can tell that from one that a power cut tore."""
    log = read_log(path.read_bytes())
    size = log.starts[log.last[0]] if log and log.starts else path.stat().st_size
    with path.open("r+b") as file:
        at = chance.randrange(size)
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ (1 << chance.randrange(8))]))


async def start_again(scene: Scene, chance: random.Random) -> None:
    del chance
    if scene.programs["collect"].process.poll() is not None:
        await scene.start("collect")
    await scene.start_agent(scene.device)


ROWS = (
    Row("spool-torn", "agent killed, half a commit at its spool's end", "agent", SIGKILL, tear, start_again),
    Row(
        "spool-flipped",
        "agent killed with a backlog, 1 to 4 bits of it flipped",
        "agent",
        SIGKILL,
        flip,
        start_again,
    ),
)
