"""The spool against a model of it: whatever is put, settled, given up and restarted, nothing goes unnamed."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge_node.accounts import Accounts, Loss, Name
from edge_node.boots import Boot
from edge_node.markers import Marker, Process
from edge_node.outbox import ROW_BYTES, Row
from edge_node.spool import Batch, Spool
from edge_node.spool_load import Books
from edge_node.trials import OpenTrial
from telemetry.contract import marks
from telemetry.contract.errors import UserError
from telemetry.contract.intervals import IntervalSet

STREAMS = ("power/main", "marks/app", "manifest/node")
BODY = 1000 - ROW_BYTES
ROOM = 20_000


class SpoolMachine(RuleBasedStateMachine):
    """`kept` is what the model says is in the spool: name and number → ticks, in the order it was put."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.path = Path(self._folder.name) / "node.spool"
        self.spool = Spool(self.path, ROOM)
        self.boots = 0
        self.kept: dict[tuple[Name, int], int] = {}
        self._begin_boot()

    def teardown(self) -> None:
        self.spool.close()
        self._folder.cleanup()

    def _begin_boot(self) -> None:
        self.boots += 1
        self.boot = Boot(f"b{self.boots}", self.boots, "kernel")
        self.accounts = Accounts(self.spool.accounts())
        self.settled: dict[tuple[Name, int], int] = {}

    @rule(frames=st.lists(st.tuples(st.sampled_from(STREAMS), st.integers(0, 20)), min_size=1, max_size=8))
    def put(self, frames: list[tuple[str, int]]) -> None:
        rows = []
        for at, (stream, ticks) in enumerate(frames):
            name = Name(self.boot.id, stream)
            seq = self.accounts.number(name, ticks)
            rows.append(Row(name, seq, 1000 * seq + at, ticks, bytes(BODY)))
            self.kept[name, seq] = ticks
        numbers = {
            row.name: (self.accounts[row.name].next_seq, self.accounts[row.name].ticks) for row in rows
        }
        self._lost(self.spool.write(Batch(rows, (), numbers, [self.boot])))
        self.settled = {}

    def _lost(self, losses: list[Loss]) -> None:
        self.accounts.lose(losses)
        for loss in losses:
            ticks = [self.kept.pop((loss.name, seq)) for seq in range(loss.first, loss.last + 1)]
            assert sum(ticks) == loss.ticks

    @precondition(lambda self: self.kept)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        name, seq = data.draw(st.sampled_from(sorted(self.kept)))
        first = data.draw(st.integers(0, seq))
        seqs = IntervalSet([(first, seq)])
        covered = [key for key in self.kept if key[0] == name and key[1] in seqs]
        gone = self.spool.settle(name, seqs)
        assert (len(gone.ids), gone.ticks) == (len(covered), sum(self.kept[key] for key in covered))
        self.accounts.settle(name, seqs, gone.ticks)
        self.settled |= {key: self.kept.pop(key) for key in covered}

    @rule(clean=st.booleans())
    def restart(self, clean: bool) -> None:
        if not clean:
            self.spool._db.rollback()  # what a kill leaves: nothing of the transaction that was open
            self.kept = dict(sorted((self.kept | self.settled).items(), key=lambda item: self._age(item[0])))
        self.spool.close()
        self.spool = Spool(self.path, ROOM)
        self._begin_boot()

    def _age(self, key: tuple[Name, int]) -> int:
        rows = self.spool._db.execute(
            "SELECT frame.id FROM frame JOIN sequence ON sequence.id = frame.sequence"
            " WHERE boot = ? AND stream = ? AND seq = ?",
            (*key[0], key[1]),
        )
        return int(rows.fetchone()[0])

    @rule()
    def forget(self) -> None:
        gone = self.accounts.over(self.boot.id)
        self.spool.forget(gone)
        self.accounts.forget(gone)

    @invariant()
    def the_accounts_say_what_is_there(self) -> None:
        spooled = {
            (name, seq) for name, account in self.accounts._accounts.items() for seq in account.spooled
        }
        assert spooled == set(self.kept)
        assert sum(a.kept_ticks for a in self.accounts._accounts.values()) == sum(self.kept.values())
        assert self.spool.size_bytes == 1000 * len(self.kept)

    @invariant()
    def every_number_is_kept_or_settled_or_lost_and_never_two_of_them(self) -> None:
        for account in self.accounts._accounts.values():
            lost = IntervalSet((first, last) for first, last, _ in account.lost)
            assert not lost & account.spooled
            assert not (lost | account.spooled) - IntervalSet.below(account.next_seq)

    @invariant()
    def it_is_never_fuller_than_it_may_be(self) -> None:
        assert self.spool.size_bytes <= ROOM

    @invariant()
    def the_file_would_tell_the_same_to_a_later_life(self) -> None:
        if not self.settled:
            assert self.spool.accounts() == self.accounts._accounts

    @invariant()
    def both_ends_of_what_waits_are_found(self) -> None:
        newest, oldest = self.spool.waiting(5, ())
        assert [f.id for f in newest] == sorted((f.id for f in newest), reverse=True)
        assert len(newest) == len(oldest) == min(5, len(self.kept))
        parcels = self.spool.parcels([frame.id for frame in oldest])
        assert [parcel.stream for parcel in parcels] == [name.stream for name, _ in list(self.kept)[:5]]


TestSpoolMachine = SpoolMachine.TestCase
TestSpoolMachine.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)

POWER = Name("b1", "power/main")


def _fill(spool: Spool, frames: int, name: Name = POWER) -> None:
    rows = [Row(name, seq, 1000 * seq, 10, bytes(BODY)) for seq in range(frames)]
    spool.write(Batch(rows, (), {name: (frames, 10 * frames)}, [Boot(name.boot, 1, "kernel")]))


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "node.spool", ROOM)


def test_a_full_spool_gives_up_its_oldest_frames_with_their_ticks(spool: Spool) -> None:
    _fill(spool, 20)
    newer = [Row(POWER, seq, 1000 * seq, 10, bytes(BODY)) for seq in (20, 21)]
    assert spool.write(Batch(newer, (), {POWER: (22, 220)})) == [Loss(POWER, 0, 1, 20)]
    assert spool.accounts()[POWER].lost == ((0, 1, 20),)


def test_frames_in_flight_are_spared(spool: Spool) -> None:
    _fill(spool, 20)
    newer = [Row(POWER, 20, 20_000, 10, bytes(BODY))]
    assert spool.write(Batch(newer, (), {POWER: (21, 210)}), spare=[1]) == [Loss(POWER, 1, 1, 10)]


def test_manifests_are_given_up_last(spool: Spool) -> None:
    _fill(spool, 1, Name("b1", "manifest/node"))
    _fill(spool, 22)
    assert {name.stream: len(account.spooled) for name, account in spool.accounts().items()} == {
        "manifest/node": 1,
        "power/main": 19,
    }


def test_frames_that_are_too_old_are_given_up_though_there_is_room(spool: Spool) -> None:
    _fill(spool, 10)
    assert spool.write(Batch(too_old={"b1": 3000, "b2": 10**18})) == [Loss(POWER, 0, 2, 30)]


def test_frames_dropped_before_they_came_here_are_declared_with_the_next_commit(spool: Spool) -> None:
    row = Row(POWER, 3, 3000, 10, b"")
    spool.write(Batch([row], [Loss(POWER, 0, 1, 20), Loss(POWER, 2, 2, 10)], {POWER: (4, 40)}))
    account = spool.accounts()[POWER]
    assert (account.lost, account.spooled, account.ticks) == (((0, 2, 30),), IntervalSet([(3, 3)]), 40)


def test_settled_frames_are_gone_at_once_and_for_good_with_the_next_commit(spool: Spool) -> None:
    _fill(spool, 5)
    spool.settle(POWER, IntervalSet([(0, 2)]))
    assert len(spool.waiting(10, ())[0]) == 2
    spool.write(Batch())
    spool.close()
    assert Spool(spool.path, ROOM).accounts()[POWER].spooled == IntervalSet([(3, 4)])


def test_what_waits_leaves_out_what_is_sent(spool: Spool) -> None:
    _fill(spool, 5)
    newest, oldest = spool.waiting(2, sent=[5, 1])
    assert [frame.id for frame in newest] == [4, 3]
    assert [frame.id for frame in oldest] == [2, 3]


def test_a_second_agent_is_kept_out(spool: Spool) -> None:
    with pytest.raises(UserError, match="another agent has it open"):
        Spool(spool.path, ROOM)


def test_the_books_come_back_as_they_were_written(spool: Spool) -> None:
    books = Books(
        [OpenTrial("t2", Process(7, 9), "kernel", 12), OpenTrial("t1", Process(8, None), "kernel")],
        [Marker(Process(7, 9), 4)],
        [
            marks.TrialEnd(t=3, trial="t0", status="ok", images=1, power={}),
            {"kind": "weather", "t": 4, "rain": 1},
        ],
        "kernel",
    )
    spool.write(Batch(books=books))
    assert spool.books() == books
    spool.write(Batch(books=Books()))
    assert spool.books() == Books([], [], [], "")
