"""What a call of `trial.batch` costs the application that is being measured."""

from __future__ import annotations

import json
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from statistics import fmean, median

from benchmarks.harness import Effort, Figure, aiming
from benchmarks.processes import marking_to
from edge_node import mark

TITLE = (
    "A batch every millisecond, each call timed by itself on the wall clock, sleeping in between; once "
    "with a socket that a thread drains as the agent does, once with none there. The mean has the calls "
    "in it that send what was gathered: every 50 ms at most, so that of batches which take longer each is "
    "sent by itself. The alternative formats a line of JSON and sends it at each call."
)
NAMES = (
    "marks.mean_agent",
    "marks.p50_agent",
    "marks.p99_agent",
    "marks.mean_alone",
    "marks.p50_alone",
    "marks.p99_alone",
    "marks.mean_rare",
)
AGAINST = "json.dumps and sendto at each call"
TARGET_US = 20.0
PACE_S = 0.001
RARE_PACE_S = 0.06
WHERE = {"agent": "with an agent", "alone": "without one"}

Call = Callable[[int, int], None]


def run(effort: Effort) -> list[Figure]:
    """Mean, median and 99th percentile of the calls, with an agent and without; then of rare calls."""
    calls, rounds = effort.pick(1_000, 20), effort.pick(5, 1)
    figures = []
    for where in ("agent", "alone"):
        taken = _both(where, calls, rounds, PACE_S)
        words = f"a call of trial.batch {WHERE[where]}"
        figures.append(aiming(_figure(f"marks.mean_{where}", f"{words}, mean", fmean, taken), TARGET_US))
        figures.append(_figure(f"marks.p50_{where}", f"{words}, p50", median, taken))
        figures.append(_figure(f"marks.p99_{where}", f"{words}, p99", _p99, taken))
    taken = _both("agent", effort.pick(40, 2), rounds, RARE_PACE_S)
    what = "a call of trial.batch with an agent, a batch every 60 ms, mean"
    return [*figures, aiming(_figure("marks.mean_rare", what, fmean, taken), TARGET_US)]


def _both(where: str, calls: int, rounds: int, pace_s: float) -> list[tuple[list[float], list[float]]]:
    """Microseconds of our calls and of the alternative's, round by round."""
    taken = []
    for _ in range(rounds):
        with _socket(drained=where == "agent") as path:
            taken.append((_timed_trial(calls, pace_s), _timed_naive(path, calls, pace_s)))
    return taken


def _figure(
    name: str, what: str, of: Callable[[list[float]], float], taken: list[tuple[list[float], list[float]]]
) -> Figure:
    return Figure(
        name=name,
        what=what,
        value=median(of(ours) for ours, _ in taken),
        unit="µs",
        against=AGAINST,
        other=median(of(theirs) for _, theirs in taken),
        better=median(of(theirs) / of(ours) for ours, theirs in taken),
    )


def _timed_trial(calls: int, pace_s: float) -> list[float]:
    with mark.trial(model="vit", dataset="made", batch_size=8, group="bench", index=0) as trial:
        return _timed(lambda begin, end: trial.batch(begin, end, 8, 7), calls, pace_s)


def _timed(call: Call, calls: int, pace_s: float) -> list[float]:
    """Microseconds of each call."""
    taken = []
    for _ in range(calls):
        begin = mark.now_ns()
        time.sleep(pace_s)
        end = mark.now_ns()
        at = time.perf_counter_ns()
        call(begin, end)
        taken.append((time.perf_counter_ns() - at) / 1e3)
    return taken


def _timed_naive(path: Path, calls: int, pace_s: float) -> list[float]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.settimeout(0)

        def send(begin: int, end: int) -> None:
            line = {
                "v": 1,
                "kind": "batch",
                "trial": "t",
                "begin": begin,
                "end": end,
                "images": 8,
                "correct": 7,
            }
            with suppress(OSError):
                sender.sendto(json.dumps(line).encode(), str(path))

        return _timed(send, calls, pace_s)


def _p99(taken: list[float]) -> float:
    return sorted(taken)[int(0.99 * (len(taken) - 1))]


@contextmanager
def _socket(*, drained: bool) -> Iterator[Path]:
    """The path that marks go to; with `drained` somebody listens there."""
    with tempfile.TemporaryDirectory(prefix="e3p-bench-") as folder:
        path = Path(folder) / "marks.sock"
        with marking_to(path), _listening(path) if drained else nullcontext():
            yield path


@contextmanager
def _listening(path: Path) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        thread = threading.Thread(target=_drain, args=(listener,))
        thread.start()
        yield
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", str(path))
        thread.join()


def _drain(listener: socket.socket) -> None:
    while listener.recv(1 << 17):
        pass
