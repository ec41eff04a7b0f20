"""The spool against a model, over kills, torn commits and flipped bits: nothing is gone without a name."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge_node.accounts import Name
from edge_node.boots import Boot
from edge_node.outbox import Row
from edge_node.spool import Batch, Spool
from edge_node.spool_salvage import begin_afresh, open_spool
from edge_node.spool_schema import SpoolBroken
from edge_node.spool_wal import read_log
from telemetry.contract.intervals import IntervalSet

ROOM = 2**28
STREAMS = ("power/main", "marks/app")
BOOT = Boot("b1", 1, "kernel")
TICKS = 3

Key = tuple[Name, int]


def body_of(name: Name, seq: int) -> bytes:
    """No two frames share a stretch of it."""
    return f"{name.stream} {seq:05d} ".encode() * 30


class CrashMachine(RuleBasedStateMachine):
    """`kept` must be here or be named as lost; `settled` are those that a kill may bring back."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._lives = 0
        self.path = self._place()
        self.spool = Spool(self.path, ROOM)
        self.made: dict[Name, int] = {}
        self.kept: set[Key] = set()
        self.settled: set[Key] = set()
        self.lost: set[Key] = set()

    def teardown(self) -> None:
        self.spool.close()
        self._folder.cleanup()

    def _place(self) -> Path:
        self._lives += 1
        folder = Path(self._folder.name) / str(self._lives)
        folder.mkdir()
        return folder / "node.spool"

    @rule(frames=st.lists(st.sampled_from(STREAMS), min_size=1, max_size=6))
    def put(self, frames: list[str]) -> None:
        rows = []
        for stream in frames:
            name = Name(BOOT.id, stream)
            seq = self.made.get(name, 0)
            self.made[name] = seq + 1
            rows.append(Row(name, seq, 1000 * seq, TICKS, body_of(name, seq)))
            self.kept.add((name, seq))
        numbers = {name: (made, made * TICKS) for name, made in self.made.items()}
        self.spool.write(Batch(rows, (), numbers, [BOOT]))
        self.settled = set()

    @precondition(lambda self: self.kept)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        name, seq = data.draw(st.sampled_from(sorted(self.kept)))
        first = data.draw(st.integers(0, seq))
        self.spool.settle(name, IntervalSet([(first, seq)]))
        gone = {key for key in self.kept if key[0] == name and first <= key[1] <= seq}
        self.kept -= gone
        self.settled |= gone

    @rule()
    def end_in_order(self) -> None:
        self.spool.close()
        self.settled = set()
        self._open()

    @rule(torn=st.sampled_from(["", "half a commit", "zeros", "noise"]), size=st.integers(1, 4000))
    def kill(self, torn: str, size: int) -> None:
        wal = self._crash()
        if torn and wal.exists():
            written = wal.read_bytes()
            tails = {"half a commit": written[32 : 32 + size], "zeros": bytes(size), "noise": b"\xa5" * size}
            wal.write_bytes(written + tails[torn])
        self._open()

    @precondition(lambda self: self.kept)
    @rule(data=st.data(), bit=st.integers(0, 7))
    def kill_and_flip_a_bit_of_a_frame(self, data: st.DataObject, bit: int) -> None:
        wal = self._crash()
        name, seq = data.draw(st.sampled_from(sorted(self.kept)))
        for file in (self.path, wal):
            content = bytearray(file.read_bytes()) if file.exists() else bytearray()
            log = read_log(content) if file is wal else None
            end = log.starts[log.last[0]] if log and log.starts else len(content)
            at = content.rfind(body_of(name, seq)[:100], 0, end)
            if at >= 0:
                content[at + data.draw(st.integers(0, 99))] ^= 1 << bit
                file.write_bytes(content)
        self._open()

    def _crash(self) -> Path:
        """What a kill leaves: the files as they are. Its log."""
        before, self.path = self.path, self._place()
        for name in (before.name, f"{before.name}-wal"):
            if before.with_name(name).exists():
                shutil.copy(before.with_name(name), self.path.with_name(name))
        self.spool.close()
        return self.path.with_name(f"{self.path.name}-wal")

    def _open(self) -> None:
        """As the agent does: what shows only when a frame is read makes a fresh spool as well."""
        self.spool = open_spool(self.path, ROOM)
        try:
            self._read()
        except SpoolBroken as broken:
            self.spool.close()
            begin_afresh(self.path, ROOM, str(broken))
            self.spool = Spool(self.path, ROOM)
        here = self._spooled()
        came_back = here - self.kept
        assert came_back <= self.settled
        self.kept |= came_back
        self.settled = set()
        named = {
            (name, seq)
            for name, account in self.spool.accounts().items()
            for first, last, _ in account.lost
            for seq in range(first, last + 1)
        }
        gone = self.kept - here
        assert gone <= named
        self.kept -= gone

    def _read(self) -> dict[int, bytes]:
        ids = [frame.id for frame in self.spool.waiting(10_000, ())[1]]
        return {parcel.id: parcel.body for parcel in self.spool.parcels(ids)}

    def _spooled(self) -> set[Key]:
        return {(name, seq) for name, account in self.spool.accounts().items() for seq in account.spooled}

    @invariant()
    def every_frame_is_given_back_as_it_was_put(self) -> None:
        assert sorted(self._read().values()) == sorted(body_of(*key) for key in self.kept)

    @invariant()
    def what_is_kept_is_what_the_accounts_say(self) -> None:
        assert self._spooled() == self.kept

    @invariant()
    def no_number_is_given_twice(self) -> None:
        accounts = self.spool.accounts()
        assert {name: accounts[name].next_seq for name in self.made} == self.made


TestCrashMachine = CrashMachine.TestCase
TestCrashMachine.settings = settings(
    max_examples=30, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
