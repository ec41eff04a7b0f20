"""The recorder on a real spool: numbers, commits, settlement, and boots that are forgotten in time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from edge_node.boots import Boot
from edge_node.recorder import HEALTH, Recorder
from edge_node.spool import Spool
from telemetry.contract.frames import ClockFrame, HealthFrame
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.replies import Stored, StoredStream

pytestmark = [pytest.mark.anyio]

CLOCK = "clock/collector"
OLD, NEW = Boot("old", 1, "kernel"), Boot("new", 2, "kernel")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "node.spool"


@pytest.fixture
def spool(path: Path) -> Iterator[Spool]:
    spool = Spool(path, 2**28)
    yield spool
    spool.close()


def _put(recorder: Recorder, t0: int = 0) -> int:
    return recorder.put(CLOCK, t0, lambda stamp: ClockFrame(**stamp._asdict(), peer="p", exchanges=()))


def _put_health(recorder: Recorder) -> None:
    recorder.put_health(
        0, lambda stamp: HealthFrame(**stamp._asdict(), streams=recorder.accounts.report(stamp.boot))
    )


def _stored(boot: Boot, stream: str, through: int) -> Stored:
    return Stored(streams=(StoredStream(boot=boot.id, stream=stream, through=through),))


async def test_times_of_frames_rise_strictly_though_reports_share_one(spool: Spool) -> None:
    recorder = Recorder(spool, NEW, "msgpack")
    times: list[int] = []

    def make(stamp: object) -> ClockFrame:
        times.append(stamp.t0)  # type: ignore[attr-defined]
        return ClockFrame(**stamp._asdict(), peer="p", exchanges=())  # type: ignore[attr-defined]

    for t0 in (5, 5, 3, 9):
        recorder.put(CLOCK, t0, make)  # type: ignore[arg-type]
    assert times == [5, 6, 7, 9]


async def test_a_frame_is_sent_only_after_its_commit(spool: Spool) -> None:
    recorder = Recorder(spool, NEW, "msgpack")
    _put(recorder)
    assert await recorder.pick() == []
    assert await recorder.commit()
    ((_, parcel),) = await recorder.pick()
    assert parcel.stream == CLOCK


async def test_a_frame_in_flight_is_not_sent_again_and_one_that_comes_later_is(spool: Spool) -> None:
    recorder = Recorder(spool, NEW, "msgpack")
    for seq in range(2):
        _put(recorder)
        await recorder.commit()
        ((frame, _),) = await recorder.pick()
        recorder.delivery.sent(frame, float(seq))
        _put(recorder)  # waits for its commit, so it may not go
        assert await recorder.pick() == []
        await recorder.commit()
        ((frame, _),) = await recorder.pick()
        recorder.delivery.sent(frame, float(seq))


async def test_a_health_frame_counts_itself(spool: Spool) -> None:
    recorder = Recorder(spool, NEW, "msgpack")
    _put_health(recorder)
    await recorder.commit()
    (report,) = recorder.accounts.report("new")
    assert (report.next_seq, report.spooled) == (1, ((0, 0),))


async def test_what_is_settled_leaves_the_spool_and_the_accounts(spool: Spool) -> None:
    recorder = Recorder(spool, NEW, "msgpack")
    for _ in range(3):
        _put(recorder)
    await recorder.commit()
    for frame, _ in await recorder.pick():
        recorder.delivery.sent(frame, 0.0)
    await recorder.settle(_stored(NEW, CLOCK, 1))
    assert len(recorder.delivery.in_flight) == 1
    (report,) = recorder.accounts.report("new")
    assert report.spooled == ((2, 2),)


async def test_an_answer_for_another_agents_boot_changes_nothing(spool: Spool) -> None:
    recorder = Recorder(spool, NEW, "msgpack")
    _put(recorder)
    await recorder.commit()
    await recorder.settle(_stored(Boot("stranger", 0, ""), CLOCK, 9))
    assert not recorder.accounts.is_clear


async def test_an_earlier_boot_is_forgotten_when_its_end_was_said_and_heard(path: Path) -> None:
    spool = Spool(path, 2**28)
    earlier = Recorder(spool, OLD, "msgpack")
    _put(earlier)
    await earlier.commit()
    spool.close()
    spool = Spool(path, 2**28)
    recorder = Recorder(spool, NEW, "msgpack")
    _put_health(recorder)  # says that one frame of it is still here
    await recorder.commit()
    await recorder.settle(_stored(OLD, CLOCK, 0))
    await recorder.settle(_stored(NEW, HEALTH, 0))
    assert OLD in recorder.boots
    _put_health(recorder)  # says that it is over and nothing is left
    await recorder.commit()
    assert OLD in recorder.boots
    await recorder.settle(_stored(NEW, HEALTH, 1))
    assert recorder.boots == [NEW]
    _put(recorder)
    await recorder.commit()
    spool.close()
    spool = Spool(path, 2**28)
    assert {name.boot for name in spool.accounts()} == {"new"}
    assert spool.boots() == [NEW]
    spool.close()


async def test_a_commit_that_is_cancelled_leaves_no_hole(spool: Spool) -> None:
    recorder = Recorder(spool, NEW, "msgpack")
    for _ in range(20):
        _put(recorder)
        with anyio.CancelScope() as scope:
            scope.cancel()
            await recorder.commit()
    await recorder.commit()
    (account,) = spool.accounts().values()
    assert account.spooled == IntervalSet.below(20)


async def test_a_frame_that_was_given_up_while_it_was_sent_is_not_waited_for(path: Path) -> None:
    spool = Spool(path, 5_000)
    recorder = Recorder(spool, NEW, "msgpack")
    _put(recorder)
    await recorder.commit()
    ((frame, _),) = await recorder.pick()
    for _ in range(60):
        _put(recorder)
    await recorder.commit()
    recorder.delivery.sent(frame, 0.0)
    assert recorder.accounts.report("new")[0].declared_lost[0][0] == 0
    assert await recorder.overdue(10.0) == []
    assert list(recorder.delivery.in_flight) == []
    spool.close()
