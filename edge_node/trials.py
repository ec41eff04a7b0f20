"""Which trials run here, and which end marks wait for their last power frame. Pure.

Marks leave in the order they came. A `trial_end` waits until each power stream has a frame that reaches past
the end by the sensor's delay, and carries that frame's number; what came after it waits behind it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from edge_node.markers import Process
from edge_node.marks_lines import Mark
from telemetry.contract import marks
from telemetry.contract.columns import unpack

HOLD_S = 5.0
REST_S = 30.0
HISTORY = 4096

_NEAR = (marks.Prepare, marks.TrialBegin, marks.TrialEnd, marks.IdleBegin, marks.IdleEnd)


class OpenTrial(NamedTuple):
    """A trial without an end, the process that marked it, and the kernel's boot that it began in."""

    trial: str
    process: Process
    os_boot: str
    images: int = 0


class Reach(NamedTuple):
    """A power frame: its number, and the monotonic ns of its last sample."""

    seq: int
    last: int


class Held(NamedTuple):
    """A mark in the queue, and when it came (monotonic seconds)."""

    mark: Mark
    came_s: float


class Short(NamedTuple):
    """A trial whose end went out although these power streams had not reached it."""

    trial: str
    streams: tuple[str, ...]


class Trials:
    """Open trials, the queue of marks, and how far each power stream (``power/main``) has come."""

    def __init__(
        self, known: Iterable[OpenTrial] = (), queue: Iterable[Mark] = (), now_s: float = 0.0
    ) -> None:
        self._open = {trial.trial: trial for trial in known}
        self._queue = deque(Held(mark, now_s) for mark in queue)
        self._delays: dict[str, int] = {}
        self._reached: dict[str, deque[Reach]] = {}
        self._near_s = now_s if self._open else float("-inf")
        self.short: list[Short] = []

    @property
    def open(self) -> list[OpenTrial]:
        """The trials that no `trial_end` has closed, those whose end still waits among them."""
        return list(self._open.values())

    @property
    def queue(self) -> list[Mark]:
        """The marks that wait."""
        return [held.mark for held in self._queue]

    def begin_boot(self, delays_ns: Mapping[str, int]) -> None:
        """A boot of the agent begins: its power streams, and the delay of each one's sensor."""
        self._delays = dict(delays_ns)
        self._reached = {stream: deque(maxlen=HISTORY) for stream in delays_ns}

    def mark(self, mark: Mark, process: Process, os_boot: str, now_s: float) -> None:
        """A mark of a process, in the order of arrival."""
        if isinstance(mark, _NEAR):
            self._near_s = now_s
        if isinstance(mark, marks.TrialBegin):
            self._open.setdefault(mark.trial, OpenTrial(mark.trial, process, os_boot))
        elif isinstance(mark, marks.Batches) and mark.trial in self._open:
            held = self._open[mark.trial]
            self._open[mark.trial] = held._replace(images=held.images + _images(mark))
        self._queue.append(Held(mark, now_s))

    def trial_of(self, process: Process) -> str | None:
        """The trial that a process runs now; the latest if it runs several."""
        return next((t.trial for t in reversed(self._open.values()) if t.process == process), None)

    def reached(self, stream: str, reach: Reach) -> None:
        """A power frame has its number."""
        self._reached[stream].append(reach)

    def target_ns(self, end: marks.TrialEnd) -> int:
        """The monotonic ns that the power streams have to reach for this end."""
        return end.t + max(self._delays.values(), default=0)

    def released(self, now_s: float) -> list[Mark]:
        """The marks that may go into a frame now, in order. After `HOLD_S` an end goes as it is."""
        ready: list[Mark] = []
        while self._queue:
            mark, came_s = self._queue[0]
            if isinstance(mark, marks.TrialEnd):
                power, short = self._power(mark)
                if short and now_s < came_s + HOLD_S:
                    break
                if short:
                    self.short.append(Short(mark.trial, short))
                mark = msgspec.structs.replace(mark, power=power)
                self._open.pop(mark.trial, None)
            self._queue.popleft()
            ready.append(mark)
        return ready

    def abort(self, trial: OpenTrial, t_ns: int, now_s: float) -> marks.TrialEnd:
        """The process of a trial is gone: its end is marked for it."""
        end = marks.TrialEnd(t=t_ns, trial=trial.trial, status="aborted", images=trial.images, power={})
        self._queue.append(Held(end, now_s))
        return end

    def running(self) -> list[OpenTrial]:
        """The trials whose end has not come."""
        ended = {held.mark.trial for held in self._queue if isinstance(held.mark, marks.TrialEnd)}
        return [trial for trial in self._open.values() if trial.trial not in ended]

    def is_near(self, now_s: float) -> bool:
        """Whether to sample at the trial rate: a trial runs, or did, or was announced, in the last 30 s."""
        return bool(self._open) or now_s < self._near_s + REST_S

    def _power(self, end: marks.TrialEnd) -> tuple[dict[str, int], tuple[str, ...]]:
        """For each stream the first frame that reaches the end, or the last there is; and who falls short."""
        power: dict[str, int] = {}
        short = []
        for stream, frames in self._reached.items():
            target = end.t + self._delays[stream]
            reaching = next((frame.seq for frame in frames if frame.last >= target), None)
            if reaching is not None:
                power[stream] = reaching
                continue
            short.append(stream)
            if frames:
                power[stream] = frames[-1].seq
        return power, tuple(short)


def _images(batches: marks.Batches) -> int:
    return int(sum(unpack("i", batches.images)))
