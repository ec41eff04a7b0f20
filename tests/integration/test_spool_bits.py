"""Bits that a disk has flipped in a spool: what can be read goes on, what cannot is lost by name."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from edge_node.accounts import Name
from edge_node.boots import Boot
from edge_node.outbox import Row
from edge_node.spool import Batch, Spool
from edge_node.spool_salvage import begin_afresh
from edge_node.spool_schema import SpoolBroken
from telemetry.contract.intervals import IntervalSet

ROOM = 2**28
POWER = Name("b1", "power/main")


def _write(spool: Spool, first: int, count: int) -> list[Row]:
    rows = [Row(POWER, seq, seq, 1, b"body %03d " % seq * 20) for seq in range(first, first + count)]
    spool.write(Batch(rows, (), {POWER: (first + count, first + count)}, [Boot("b1", 1, "kernel")]))
    return rows


def _flip(path: Path, where: bytes) -> None:
    """One bit, in the middle of the first place where these bytes stand."""
    content = bytearray(path.read_bytes())
    at = content.index(where) + len(where) // 2
    content[at] ^= 16
    path.write_bytes(content)


def test_a_frame_with_a_flipped_bit_is_never_sent_and_is_lost_by_name_and_alone(
    tmp_path: Path,
) -> None:
    path = tmp_path / "node.spool"
    spool = Spool(path, ROOM)
    rows = _write(spool, 0, 50)
    spool.close()
    _flip(path, rows[7].body[:100])
    spool = Spool(path, ROOM)
    everything = [frame.id for frame in spool.waiting(100, ())[1]]
    with pytest.raises(SpoolBroken, match="frame 8 is not what was written"):
        spool.parcels(everything)
    spool.close()
    begin_afresh(path, ROOM, "a bit was flipped")
    spool = Spool(path, ROOM)
    account = spool.accounts()[POWER]
    assert (account.lost, account.spooled) == (((7, 7, 0),), IntervalSet([(0, 6), (8, 49)]))
    parcels = spool.parcels([frame.id for frame in spool.waiting(100, ())[1]])
    assert [parcel.body for parcel in parcels] == [row.body for row in rows if row.seq != 7]
    spool.close()


def test_a_spool_from_before_there_were_checksums_is_taken_on(tmp_path: Path) -> None:
    path = tmp_path / "node.spool"
    spool = Spool(path, ROOM)
    _write(spool, 0, 3)
    spool.close()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript("ALTER TABLE frame DROP COLUMN crc; PRAGMA user_version = 1;")
    spool = Spool(path, ROOM)
    _write(spool, 3, 1)
    assert len(spool.parcels([frame.id for frame in spool.waiting(9, ())[0]])) == 4
    spool.close()
