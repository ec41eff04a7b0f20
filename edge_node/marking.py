"""From lines of the socket to marks frames: holes in the lines, end marks that wait, processes that die."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import msgspec

from edge_node import processes
from edge_node.markers import Markers, Process
from edge_node.marks_inbox import Arrival
from edge_node.marks_lines import Mark, time_of
from edge_node.recorder import Recorder, Stamp
from edge_node.spool_load import Books
from edge_node.trials import Trials
from telemetry.contract import marks
from telemetry.contract.frames import MarksFrame
from telemetry.runtime import logs

STREAM = "marks/app"
# Far below the contract's 4 MiB, because the same columns are longer in JSON.
FRAME_BYTES = 256 * 1024
STRIKES = 2

log = logs.get("marks")


class Marking:
    """Takes lines, and gives the recorder the marks that may go. `books` is what a restart needs to know."""

    def __init__(self, books: Books, recorder: Recorder, now_s: float) -> None:
        queue = books.queue if books.os_boot == recorder.boot.os_boot else ()
        if len(queue) < len(books.queue):
            # Their times are of a clock that is gone; their trials are closed as aborted.
            log.warning("marks that waited when the device went down are dropped", marks=len(books.queue))
        self.trials = Trials(books.trials, queue, now_s)
        self._markers = Markers(books.markers)
        self._recorder = recorder
        self._ready: list[Mark] = []
        self._strikes: dict[str, int] = {}
        self._gone: set[Process] = set()

    def take(self, arrivals: Iterable[Arrival], now_s: float) -> list[marks.TrialEnd]:
        """Queues the marks of lines. The ends among them: the power streams have to reach these."""
        ends = []
        for line, process in arrivals:
            lost = self._markers.lost_before(process, line.n)
            if lost:
                self._note_hole(line.mark, process, lost, now_s)
            self.trials.mark(line.mark, process, self._recorder.boot.os_boot, now_s)
            if isinstance(line.mark, marks.TrialEnd):
                ends.append(line.mark)
        return ends

    def release(self, now_s: float) -> bool:
        """Moves on the marks that need not wait any longer. Whether a trial's end is among them."""
        released = self.trials.released(now_s)
        self._ready += released
        for trial, streams in self.trials.short:
            log.warning("no power frame reaches past the end of a trial", trial=trial, streams=list(streams))
        self.trials.short.clear()
        return any(isinstance(mark, marks.TrialEnd) for mark in released)

    def put(self) -> None:
        """Makes frames of the marks that were released."""
        ready, self._ready = self._ready, []
        for events in _cut(ready):
            self._recorder.put(STREAM, time_of(events[0]), partial(_frame, events))

    def books(self) -> Books:
        """The state as of the last `put`."""
        os_boot = self._recorder.boot.os_boot
        return Books(self.trials.open, self._markers.snapshot(), self.trials.queue, os_boot)

    def close_dead(
        self, t_ns: int, now_s: float, is_running: Callable[[Process], bool] = processes.is_running
    ) -> list[marks.TrialEnd]:
        """Ends the trials whose process is gone at two looks: its last line may still be on its way."""
        strikes, ends = {}, []
        for trial in self.trials.running():
            os_boot = self._recorder.boot.os_boot
            if trial.os_boot == os_boot and is_running(trial.process):
                continue
            strikes[trial.trial] = self._strikes.get(trial.trial, 0) + 1
            if strikes[trial.trial] >= STRIKES:
                log.warning("the process of a trial is gone", trial=trial.trial, pid=trial.process.pid)
                ends.append(self.trials.abort(trial, t_ns, now_s))
        self._strikes = strikes
        return ends

    def forget_dead(self, is_running: Callable[[Process], bool] = processes.is_running) -> None:
        """Drops processes that were gone at the last look already."""
        kept = {trial.process for trial in self.trials.open}
        gone = {one for one in self._markers.processes if one not in kept and not is_running(one)}
        self._markers.forget(gone & self._gone)
        self._gone = gone

    def _note_hole(self, mark: Mark, process: Process, lost: int, now_s: float) -> None:
        trial = self.trials.trial_of(process)
        if trial is None and isinstance(mark, (marks.Batches, marks.TrialEnd)):
            trial = mark.trial
        hole = marks.MarksHole(t=time_of(mark), pid=process.pid, lost=lost, trial=trial)
        log.warning("lines of a process are missing", pid=process.pid, lost=lost, trial=trial)
        self.trials.mark(hole, process, self._recorder.boot.os_boot, now_s)


def _cut(ready: list[Mark]) -> Iterable[list[Mark]]:
    events: list[Mark] = []
    size_bytes = 0
    for mark in ready:
        size = len(msgspec.msgpack.encode(mark))
        if events and size_bytes + size > FRAME_BYTES:
            yield events
            events, size_bytes = [], 0
        events.append(mark)
        size_bytes += size
    if events:
        yield events


def _frame(events: list[Mark], stamp: Stamp) -> MarksFrame:
    # A kind that this version does not know travels as the map it is.
    return MarksFrame(**stamp._asdict(), events=tuple(events))  # type: ignore[arg-type]
