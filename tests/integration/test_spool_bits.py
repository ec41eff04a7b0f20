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
from edge_node.spool_salvage import begin_afresh, open_spool
from edge_node.spool_schema import SpoolBroken
from edge_node.spool_wal import mend
from telemetry.contract.intervals import IntervalSet

ROOM = 2**28
POWER = Name("b1", "power/main")


def _write(spool: Spool, first: int, count: int) -> list[Row]:
    rows = [Row(POWER, seq, seq, 1, b"body %03d " % seq * 20) for seq in range(first, first + count)]
    spool.write(Batch(rows, (), {POWER: (first + count, first + count)}, [Boot("b1", 1, "kernel")]))
    return rows


def _flip(path: Path, where: bytes) -> None:
    """One bit, in the middle of the last place where these bytes stand: earlier ones may be superseded."""
    content = bytearray(path.read_bytes())
    at = content.rindex(where) + len(where) // 2
    content[at] ^= 16
    path.write_bytes(content)


def test_a_frame_with_a_flipped_bit_is_never_sent_and_is_lost_by_name_and_alone(
    tmp_path: Path,
) -> None:
    path = tmp_path / "node.spool"
    spool = Spool(path, ROOM)
    rows = _write(spool, 0, 50)
    spool.close()
    _flip(path, rows[7].body)
    spool = Spool(path, ROOM)
    everything = [frame.id for frame in spool.waiting(100, ())[1]]
    with pytest.raises(SpoolBroken, match="frame 8 is not what was written"):
        spool.parcels(everything)
    spool.close()
    begin_afresh(path, ROOM, "a bit was flipped")
    spool = Spool(path, ROOM)
    account = spool.accounts()[POWER]
    assert (account.lost, account.spooled) == (((7, 7, 1),), IntervalSet([(0, 6), (8, 49)]))
    parcels = spool.parcels([frame.id for frame in spool.waiting(100, ())[1]])
    assert [parcel.body for parcel in parcels] == [row.body for row in rows if row.seq != 7]
    spool.close()


def test_a_bit_flipped_in_the_log_of_a_spool_takes_one_frame_and_not_all_that_follow(tmp_path: Path) -> None:
    path, crashed = tmp_path / "node.spool", tmp_path / "crashed"
    spool = Spool(path, ROOM)
    rows = [row for at in range(20) for row in _write(spool, at, 1)]
    crashed.mkdir()
    for name in ("node.spool", "node.spool-wal"):
        (crashed / name).write_bytes((tmp_path / name).read_bytes())
    spool.close()
    _flip(crashed / "node.spool-wal", rows[7].body)
    open_spool(crashed / "node.spool", ROOM).close()
    begin_afresh(crashed / "node.spool", ROOM, "as the agent does when it finds the frame")
    spool = Spool(crashed / "node.spool", ROOM)
    account = spool.accounts()[POWER]
    assert (account.lost, account.spooled) == (((7, 7, 1),), IntervalSet([(0, 6), (8, 19)]))
    spool.close()


def test_a_commit_that_a_power_cut_tore_is_left_to_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "node.spool"
    spool = Spool(path, ROOM)
    rows = [row for at in range(3) for row in _write(spool, at, 1)]
    wal = (tmp_path / "node.spool-wal").read_bytes()
    spool.close()
    torn = tmp_path / "torn-wal"
    torn.write_bytes(wal)
    assert not mend(torn)
    _flip(torn, rows[2].body)
    assert not mend(torn)
    torn.write_bytes(wal.replace(rows[0].body, rows[1].body, 1))
    assert mend(torn)
    assert not mend(torn)


def test_what_an_earlier_generation_of_the_log_left_behind_is_never_taken_for_ours(tmp_path: Path) -> None:
    path = tmp_path / "node.spool"
    spool = Spool(path, ROOM)
    _write(spool, 0, 1)
    wal = (tmp_path / "node.spool-wal").read_bytes()
    spool.close()
    frame = 24 + 1024
    stale = b"".join(
        wal[at : at + 8] + b"another!" + wal[at + 16 : at + frame] for at in range(32, len(wal), frame)
    )
    torn = tmp_path / "torn-wal"
    torn.write_bytes(wal + stale + wal[32:])
    assert not mend(torn)


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
