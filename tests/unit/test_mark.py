"""The marks of an application, read from a real socket."""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from edge_node import mark
from tests.fakes.inbox import Inbox, forget_senders

ROOT = Path(__file__).parents[2]
TRIAL: dict[str, Any] = {"model": "m", "dataset": "d", "batch_size": 2, "group": "g", "index": 0}


@pytest.fixture(autouse=True)
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Each test has a sender that starts at 0, and an address of its own where nobody listens yet."""
    monkeypatch.setenv("E3P_SOCKET", str(tmp_path / "m"))
    forget_senders()
    yield tmp_path / "m"
    forget_senders()


@pytest.fixture
def deaf(address: Path) -> Iterator[socket.socket]:
    """An agent that is there and does not read."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(address))
        listener.settimeout(10)
        yield listener


def _read(listener: socket.socket, count: int) -> list[dict[str, Any]]:
    return [json.loads(listener.recv(1 << 17)) for _ in range(count)]


def test_a_trial_is_a_begin_its_batches_and_an_end(address: Path) -> None:
    with Inbox(address) as inbox, mark.trial(**TRIAL, trial="t", precision="fp32") as trial:
        trial.batch(10, 20, 2)
        trial.batch(20, 30, 1)
    begin, batches, end = inbox.lines
    assert begin.items() >= {**TRIAL, "kind": "trial_begin", "trial": "t", "precision": "fp32"}.items()
    assert (batches["begin"], batches["end"], batches["images"]) == ([10, 20], [20, 30], [2, 1])
    assert (end["kind"], end["trial"], end["status"], end["images"]) == ("trial_end", "t", "ok", 3)


def test_every_line_says_version_process_number_and_time(address: Path) -> None:
    before = mark.now_ns()
    with Inbox(address) as inbox:
        mark.prepare("g")
        with mark.idle(group="g"):
            pass
    assert [line["n"] for line in inbox.lines] == [0, 1, 2]
    assert {(line["v"], line["pid"]) for line in inbox.lines} == {(1, os.getpid())}
    assert before <= inbox.lines[0]["t"] <= inbox.lines[1]["t"] <= inbox.lines[2]["t"] <= mark.now_ns()


def test_a_field_that_is_not_given_is_not_sent(address: Path) -> None:
    with Inbox(address) as inbox, mark.trial(**TRIAL):
        pass
    assert set(inbox.lines[0]) == {"v", "pid", "n", "kind", "t", "trial", *TRIAL}
    assert "correct" not in inbox.lines[1]


def test_each_trial_makes_its_own_id() -> None:
    assert mark.trial(**TRIAL).id != mark.trial(**TRIAL).id


def test_an_exception_ends_the_trial_as_aborted_and_goes_on(address: Path) -> None:
    with Inbox(address) as inbox, pytest.raises(ZeroDivisionError), mark.trial(**TRIAL):
        _ = 1 / 0
    assert inbox.lines[-1]["status"] == "aborted"


def test_hits_make_the_count_of_correct_images(address: Path) -> None:
    with Inbox(address) as inbox, mark.trial(**TRIAL) as trial:
        trial.batch(1, 2, 2, hits=[True, False])
        trial.batch(2, 3, 1, hits=[1])
    assert inbox.lines[1]["hits"] == [1, 0, 1]
    assert (inbox.lines[1]["correct"], inbox.lines[2]["correct"]) == ([1, 1], 2)


def test_a_column_that_one_batch_lacks_is_left_out_of_its_line(address: Path) -> None:
    with Inbox(address) as inbox, mark.trial(**TRIAL) as trial:
        trial.batch(1, 2, 2, correct=1)
        trial.batch(2, 3, 2)
    assert not {"correct", "hits"} & set(inbox.lines[1])
    assert "correct" not in inbox.lines[2]


def test_idle_belongs_to_a_group_or_to_a_trial(address: Path) -> None:
    with Inbox(address) as inbox, mark.idle(trial="t"):
        pass
    assert [(line["kind"], line["trial"]) for line in inbox.lines] == [("idle_begin", "t"), ("idle_end", "t")]
    with pytest.raises(TypeError, match="either group= or trial="), mark.idle():
        pass


def test_work_needs_no_trial(address: Path) -> None:
    with Inbox(address) as inbox:
        work = mark.work("camera", "m")
        work.batch(1, 2, 8)
        work.flush()
    (line,) = inbox.lines
    assert (line["kind"], line["app"], line["model"], line["images"]) == ("work", "camera", "m", [8])


def test_lines_of_batches_go_no_more_often_than_every_second(
    address: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 10**14, 150_000_000))  # each look at it is 150 ms later
    monkeypatch.setattr(mark, "now_ns", lambda: next(clock))
    with Inbox(address) as inbox, mark.trial(**TRIAL) as trial:
        for number in range(100):
            trial.batch(number, number + 1, 1)
    *times, _ = [line["t"] for line in inbox.of("batches")]  # the last goes with the end
    assert len(times) > 5
    assert all(later - earlier >= 1_000_000_000 for earlier, later in itertools.pairwise(times))
    assert sum(len(line["begin"]) for line in inbox.of("batches")) == 100


def test_a_datagram_stays_below_60_kb(address: Path) -> None:
    with Inbox(address) as inbox, mark.trial(**TRIAL) as trial:
        for _ in range(10):
            trial.batch(2**62, 2**62, 20_000, hits=[1] * 20_000)
    assert max(map(len, inbox.datagrams)) <= 60_000
    assert sum(len(line["hits"]) for line in inbox.of("batches")) == 200_000


def test_a_batch_too_large_for_a_datagram_keeps_its_count(address: Path) -> None:
    with Inbox(address) as inbox, mark.trial(**TRIAL) as trial:
        trial.batch(1, 2, 40_000, hits=[1] * 40_000)
    assert inbox.lines[1]["correct"] == [40_000]
    assert "hits" not in inbox.lines[1]


def test_refused_lines_come_later_and_in_order(deaf: socket.socket) -> None:
    while len(mark._sender()._kept) < 5:
        mark.prepare("g")
    lines = _read(deaf, mark._sender()._n - 5)
    mark.prepare("last")
    lines += _read(deaf, 6)
    assert [line["n"] for line in lines] == list(range(len(lines)))
    assert lines[-1]["group"] == "last"


def test_lines_wait_for_an_agent_that_starts_later(address: Path) -> None:
    mark.prepare("early")
    with Inbox(address) as inbox:
        mark.prepare("late")
    assert [(line["n"], line["group"]) for line in inbox.lines] == [(0, "early"), (1, "late")]


def test_beyond_4096_lines_the_oldest_leave_a_hole(address: Path) -> None:
    for _ in range(5000):
        mark.prepare("g")
    with Inbox(address) as inbox:
        mark._sender().wait(1)
    numbers = [line["n"] for line in inbox.lines]
    assert numbers == list(range(5000 - 4096, 5000))


def test_lines_kept_for_nobody_take_16_mib_at_most() -> None:
    with mark.trial(**TRIAL) as trial:
        for _ in range(1000):
            trial.batch(1, 2, 20_000, hits=[1] * 20_000)
    assert sum(map(len, mark._sender()._kept)) <= 16 << 20


@pytest.mark.parametrize(
    "batch",
    [
        (1, 2, "many"),
        (None, 2, 1),
        (1, 2, 1, "x"),
        (1, float("inf"), 1),
        (1, 2, 2, None, [1]),
        (1, 2, 1, None, 5),
    ],
)
def test_a_batch_that_makes_no_sense_is_a_hole_and_no_exception(
    address: Path, batch: tuple[Any, ...]
) -> None:
    with Inbox(address) as inbox, mark.trial(**TRIAL) as trial:
        trial.batch(*batch)
        trial.batch(1, 2, 1)
    assert [line["n"] for line in inbox.lines] == [0, 2, 3]
    assert inbox.lines[-1]["images"] == 1


@pytest.mark.parametrize("strange", [{"x": float("nan")}, {("a", "b"): 1}, {"x": "y" * 70_000}])
def test_a_mark_that_no_datagram_can_say_is_a_hole_and_no_exception(
    address: Path, strange: dict[str, object]
) -> None:
    with Inbox(address) as inbox, mark.trial(**TRIAL, protocol=strange):
        pass
    assert [(line["n"], line["kind"]) for line in inbox.lines] == [(1, "trial_end")]


def test_a_path_or_a_number_of_another_library_is_written_as_text(address: Path) -> None:
    with Inbox(address) as inbox, mark.trial(**{**TRIAL, "model": Path("models/m.onnx")}):
        pass
    assert inbox.lines[0]["model"] == "models/m.onnx"


def test_a_missing_field_is_the_signatures_type_error() -> None:
    with pytest.raises(TypeError, match="model"):
        mark.trial(dataset="d", batch_size=1, group="g", index=0)  # type: ignore[call-arg]


def test_without_an_agent_nothing_is_raised_and_nothing_waits(address: Path) -> None:
    with mark.trial(**TRIAL) as trial, mark.idle(trial=trial.id):
        trial.batch(1, 2, 3)
    assert not address.exists()
    assert trial.images == 3


def test_a_socket_file_that_nobody_reads_raises_nothing(address: Path) -> None:
    address.touch()
    mark.prepare("g")
    assert len(mark._sender()._kept) == 1


def test_the_end_of_a_trial_waits_for_a_busy_agent(deaf: socket.socket) -> None:
    while not mark._sender()._kept:
        mark.prepare("g")
    reader = threading.Timer(0.05, lambda: lines.extend(_read(deaf, mark._sender()._n)))
    lines: list[dict[str, Any]] = []
    with mark.trial(**TRIAL):
        reader.start()
    reader.join()
    assert lines[-1]["kind"] == "trial_end"


def test_threads_share_one_row_of_numbers(address: Path) -> None:
    def speak() -> None:
        for _ in range(200):
            mark.prepare("g")

    threads = [threading.Thread(target=speak) for _ in range(4)]
    with Inbox(address) as inbox:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        mark._sender().wait(5)
    assert [line["n"] for line in inbox.lines] == list(range(800))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_starts_at_0_and_does_not_speak_for_its_parent(address: Path) -> None:
    with Inbox(address) as inbox, mark.trial(**TRIAL) as trial:
        trial.batch(1, 2, 3)
        child = os.fork()
        if child == 0:
            trial.batch(2, 3, 100)
            trial.__exit__(None, None, None)
            mark.prepare("child")
            mark._finish()
            os._exit(0)
        os.waitpid(child, 0)
    of_child = [line for line in inbox.lines if line["pid"] == child]
    assert [(line["n"], line["kind"]) for line in of_child] == [(0, "prepare")]
    assert [line["n"] for line in inbox.lines if line["pid"] != child] == [0, 1, 2]
    assert inbox.lines[-1]["images"] == 3


def test_the_end_of_the_process_sends_what_is_gathered(address: Path) -> None:
    code = "import mark; mark.work('camera', 'm').batch(1, 2, 3)"
    with Inbox(address) as inbox:
        subprocess.run([sys.executable, "-c", code], cwd=ROOT / "edge_node", check=True)
    assert inbox.lines[0]["images"] == [3]


def test_without_a_name_the_socket_is_the_systems_or_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("E3P_SOCKET")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    assert mark._paths() == ["/run/e3p/marks.sock", "/run/user/7/e3p/marks.sock"]


def test_without_monotonic_ns_the_float_clock_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(time, "monotonic_ns")
    old = ModuleType("old")
    exec((ROOT / "edge_node" / "mark.py").read_text(), old.__dict__)
    assert abs(old.now_ns() - int(time.monotonic() * 1e9)) < 60e9
