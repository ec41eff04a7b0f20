"""What a device does to a spool: kills, torn writes, a file that is no database, a disk that is full."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_node.accounts import Loss, Name
from edge_node.boots import Boot
from edge_node.outbox import Row
from edge_node.recorder import Recorder
from edge_node.spool import Batch, Spool
from edge_node.spool_salvage import open_spool
from edge_node.spool_schema import SpoolBlocked, SpoolBroken
from telemetry.contract.errors import UserError
from telemetry.contract.frames import ClockFrame
from telemetry.contract.intervals import IntervalSet

ROOM = 2**28
POWER = Name("b1", "power/main")

# Writes for ever, one commit each, and says each number once it is durable.
WRITER = """
import sys
from pathlib import Path
from edge_node.accounts import Name
from edge_node.boots import Boot
from edge_node.outbox import Row
from edge_node.spool import Batch, Spool
from telemetry.contract.intervals import IntervalSet
name = Name("b1", "power/main")
spool = Spool(Path(sys.argv[1]), 2**28)
for seq in range(10**9):
    row = Row(name, seq, seq, 1, bytes(900))
    spool.write(Batch([row], (), {name: (seq + 1, seq + 1)}, [Boot("b1", 1, "k")]))
    print(seq, flush=True)
    if seq % 10 == 9:
        spool.settle(name, IntervalSet([(seq - 9, seq - 5)]))
"""


def _write(spool: Spool, first: int, count: int, size: int = 900) -> None:
    rows = [Row(POWER, seq, seq, 1, bytes(size)) for seq in range(first, first + count)]
    spool.write(Batch(rows, (), {POWER: (first + count, first + count)}, [Boot("b1", 1, "kernel")]))


@pytest.mark.parametrize("commits", [1, 7, 50, 400])
def test_a_kill_loses_nothing_that_was_committed(tmp_path: Path, commits: int) -> None:
    path = tmp_path / "node.spool"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout
    said = [int(next(writer.stdout)) for _ in range(commits)][-1]
    writer.send_signal(signal.SIGKILL)
    said = max([said, *map(int, writer.stdout.read().split())])
    writer.wait()
    writer.stdout.close()
    spool = Spool(path, ROOM)
    account = spool.accounts()[POWER]
    assert account.next_seq >= said + 1
    # Settled ones may be gone, up to the last commit's; every other one is there.
    settled = IntervalSet((at, at + 4) for at in range(0, said + 1, 10))
    assert not IntervalSet.below(account.next_seq) - account.spooled - settled
    _write(spool, account.next_seq, 1)
    spool.close()


def test_a_torn_write_loses_the_commit_that_was_torn_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "node.spool"
    spool = Spool(path, ROOM)
    for seq in range(20):
        _write(spool, seq, 1)
    torn = tmp_path / "torn" / "node.spool"
    torn.parent.mkdir()
    log = path.with_name(path.name + "-wal").read_bytes()
    torn.write_bytes(path.read_bytes())
    torn.with_name("node.spool-wal").write_bytes(log[:-1000] + bytes(500))
    spool.close()
    spool = Spool(torn, ROOM)
    assert spool.accounts()[POWER].spooled == IntervalSet([(0, 18)])
    spool.close()


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("no database", lambda content: b"this is no database, whatever its name says " * 100),
        ("cut off", lambda content: content[: len(content) // 2]),
        ("header lost", lambda content: bytes(100) + content[100:]),
        ("pages lost", lambda content: content[:4096] + b"\xa5" * (len(content) - 4096)),
    ],
)
def test_a_broken_file_is_kept_aside_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, damage: object
) -> None:
    path = tmp_path / "node.spool"
    spool = Spool(path, ROOM)
    _write(spool, 0, 200)
    spool.close()
    broken = damage(path.read_bytes())  # type: ignore[operator]
    path.write_bytes(broken)
    spool = open_spool(path, ROOM)
    for account in spool.accounts().values():
        lost = IntervalSet((first, last) for first, last, _ in account.lost)
        assert lost | account.spooled == IntervalSet.below(200)
    (aside,) = tmp_path.glob("node.spool.corrupt-*")
    assert aside.read_bytes() == broken
    assert str(aside) in str([vars(record) for record in caplog.records])
    _write(spool, 200, 1)
    spool.close()


def test_damage_that_shows_while_in_use_is_told_apart_from_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "node.spool"
    spool = Spool(path, ROOM)
    _write(spool, 0, 2000)
    spool.close()
    spool = Spool(path, ROOM)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (path.stat().st_size - 4096))
    with pytest.raises(SpoolBroken, match="malformed"):
        _settle_all(spool)
    spool.close()


def _settle_all(spool: Spool) -> None:
    for seq in range(2000, 2100):
        _write(spool, seq, 1)
        spool.settle(POWER, IntervalSet([(seq - 2000, seq)]))


def test_a_spool_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "node.spool"
    Spool(path, ROOM).close()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 9")
    with pytest.raises(UserError, match="schema 9 of a newer e3p"):
        open_spool(path, ROOM)
    assert list(tmp_path.glob("*corrupt*")) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_a_persons_matter(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="cannot be"):
        Spool(tmp_path / "node.spool", ROOM)


def test_a_place_that_is_a_folder_is_a_persons_matter(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be"):
        Spool(tmp_path, ROOM)


@contextlib.contextmanager
def _full_disk(folder: Path) -> Iterator[None]:
    """No file of this process grows any more: what a full disk does, for one process."""
    largest = max(file.stat().st_size for file in folder.iterdir())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_blocks_the_spool_and_spoils_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "node.spool", ROOM)
    _write(spool, 0, 10)
    with _full_disk(tmp_path), pytest.raises(SpoolBlocked):
        _write(spool, 10, 1, size=2**20)
    assert spool.accounts()[POWER].spooled == IntervalSet([(0, 9)])
    assert len(spool.waiting(100, ())[0]) == 10
    _write(spool, 10, 1, size=2**20)
    assert spool.accounts()[POWER].spooled == IntervalSet([(0, 10)])
    spool.close()


def test_what_was_settled_stays_settled_though_the_disk_was_full(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "node.spool", ROOM)
    _write(spool, 0, 10)
    spool.settle(POWER, IntervalSet([(0, 4)]))
    with _full_disk(tmp_path), pytest.raises(SpoolBlocked):
        _write(spool, 10, 1, size=2**20)
    _write(spool, 10, 1)
    assert spool.accounts()[POWER].spooled == IntervalSet([(5, 10)])
    spool.close()


def test_what_a_failing_disk_did_not_let_go_stays_until_it_is_settled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path / "node.spool", ROOM)
    _write(spool, 0, 3)
    with monkeypatch.context() as failing:
        failing.setattr(Spool, "_remove", _fail)
        with pytest.raises(SpoolBlocked):
            spool.settle(POWER, IntervalSet.below(2))
    _write(spool, 3, 1)
    assert spool.accounts()[POWER].spooled == IntervalSet.below(4)
    assert spool.settle(POWER, IntervalSet.below(2)).ticks == 2
    spool.close()


def _fail(*_: object) -> None:
    raise sqlite3.OperationalError("disk I/O error")


@pytest.mark.anyio
async def test_frames_outlive_a_full_disk_in_memory_and_the_rest_is_declared_lost(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "node.spool", ROOM)
    recorder = Recorder(spool, Boot("b1", 1, "kernel"), "msgpack")
    _put_large(recorder, 1)
    assert await recorder.commit()
    with _full_disk(tmp_path):
        _put_large(recorder, 12)
        assert not await recorder.commit()
        _put_large(recorder, 1)
        assert not await recorder.commit()
    assert await recorder.commit()
    (account,) = spool.accounts().values()
    (report,) = recorder.accounts.report("b1")
    lost = IntervalSet((first, last) for first, last, _ in account.lost)
    assert account.next_seq == 14
    assert lost
    assert lost | account.spooled == IntervalSet.below(14)
    assert not lost & account.spooled
    assert sum(ticks for _, _, ticks in account.lost) == 7 * len(lost)
    assert (report.spooled, report.declared_lost) == (account.spooled.ranges, account.lost)
    spool.close()


def _put_large(recorder: Recorder, frames: int) -> None:
    for _ in range(frames):
        recorder.put(
            "power/main", 0, lambda stamp: ClockFrame(**stamp._asdict(), peer="x" * 2**19, exchanges=()), 7
        )


def test_a_loss_is_declared_in_the_commit_in_which_it_happens(tmp_path: Path) -> None:
    path = tmp_path / "node.spool"
    spool = Spool(path, 20 * 1028)
    rows = [Row(POWER, seq, seq, 3, bytes(900)) for seq in range(30)]
    lost = spool.write(Batch(rows, (), {POWER: (30, 90)}, [Boot("b1", 1, "kernel")]))
    spool._db.close()  # as a kill does: nothing more is written
    account = Spool(path, ROOM).accounts()[POWER]
    assert lost == [Loss(POWER, 0, 9, 30)]
    assert account.lost == ((0, 9, 30),)
    assert account.spooled == IntervalSet([(10, 29)])
