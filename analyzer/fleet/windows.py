"""Windows of work as they come, for every job: against its own normal, and against its peers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec.structs import replace

from analyzer.fleet.changes import what_changed
from analyzer.fleet.course import SETTLED, WARM_UP, Baseline, Course, Job
from analyzer.fleet.peers import Kind, Peers
from analyzer.fleet.signs import Latch, Sign
from analyzer.fleet.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from analyzer.fleet.baselines import Baselines
    from telemetry.contract.documents import Result
    from telemetry.contract.frames import ManifestFrame

Manifests = dict[str, "ManifestFrame"]
"""The manifests of one node, by hash."""
MOST_JOBS = 10_000
KEEP_NS = 86_400 * 1_000_000_000
"""A baseline is stored anew at least so often, so that a restart looks at so many windows again."""
PEERS_EVERY = 5


@dataclass
class _Job:
    """A job's course, the sign that its sensor is frozen, and when its baseline was stored."""

    course: Course
    turns: Turns
    frozen: Latch = field(default_factory=lambda: Latch(2, 2))
    windows: int = 0
    stored: tuple[bool, int, int] | None = None


class Windows:
    """Fed with results in any order; `look` takes them in by their time, and gives the signs of them."""

    def __init__(self, baselines: Baselines, regression_percent: float) -> None:
        self._baselines = baselines
        self._percent = regression_percent
        self._jobs: dict[Job, _Job] = {}
        self._peers: dict[Kind, Peers] = {}
        self._came: list[Result] = []

    async def open(self) -> None:
        """Goes on where an earlier run was: its baselines, and the windows since."""
        since: dict[str, int] = {}
        for baseline in await self._baselines.read():
            course = Course(baseline, self._percent)
            self._jobs[course.job] = _Job(course, Turns(baseline.last), stored=_stage(baseline))
            since[baseline.node] = min(baseline.last, since.get(baseline.node, baseline.last))
        for node, end in since.items():
            self.put(await self._baselines.windows_since(node, end))

    def put(self, results: Iterable[Result]) -> None:
        """Results; those that are no windows of a leading stream's work say nothing here."""
        self._came += (result for result in results if result.app is not None and result.leads)

    @property
    def late(self) -> int:
        """How many windows came when others behind them had been looked at."""
        return sum(held.turns.late for held in self._jobs.values())

    def look(self, manifests: Mapping[str, Manifests], now_s: float) -> list[Sign]:
        """The signs of the windows whose turn it is."""
        came, self._came = sorted(self._came, key=_end), []
        for window in came:
            if (held := self._job(window)) is not None:
                held.turns.put(window, now_s)
        due = [(window, held) for held in self._jobs.values() for window in held.turns.due(now_s)]
        signs: list[Sign] = []
        for window, held in sorted(due, key=lambda pair: _end(pair[0])):
            signs += self._take(held, window, manifests.get(window.node, {}))
        return signs

    async def keep(self, now_ns: int) -> None:
        """Stores the baselines that are others than they were; after the findings that they led to."""
        for held in self._jobs.values():
            if _is_news(held.stored, stage := _stage(held.course.baseline)):
                await self._baselines.write(held.course.baseline, now_ns)
                held.stored = stage

    def _take(self, held: _Job, window: Result, manifests: Manifests) -> list[Sign]:
        calm = held.course.baseline.calm
        signs = [held.course.take(window), _frozen(held.frozen, window)]
        if signs[0] is not None and signs[0].turn == "begin":
            signs[0] = _explained(signs[0], calm, window, manifests)
        held.windows += 1
        level = held.course.level
        if level is not None and held.windows % PEERS_EVERY == 0:
            kind = Kind(window.device, window.power_mode, held.course.job.app, held.course.job.model)
            peers = self._peers.setdefault(kind, Peers(kind))
            signs.append(peers.take(held.course.job, level, window.end))
        offset_ns = window.utc_offset_ns or 0
        return [replace(sign, at=sign.at + offset_ns) for sign in signs if sign is not None]

    def _job(self, window: Result) -> _Job | None:
        job = Job(window.node, window.app or "", window.model or "", window.source)
        if job not in self._jobs and len(self._jobs) < MOST_JOBS:
            baseline = Baseline(node=job.node, app=job.app, model=job.model, stream=job.stream)
            self._jobs[job] = _Job(Course(baseline, self._percent), Turns(baseline.last))
        return self._jobs.get(job)


def _end(window: Result) -> int:
    return window.end


def _frozen(latch: Latch, window: Result) -> Sign | None:
    turn = latch.see(holds="frozen" in window.flags, at_ns=window.begin)
    if turn is None:
        return None
    return Sign(
        turn=turn,
        kind="frozen",
        node=window.node,
        subject=window.source,
        at=latch.since_ns,
        severity="alarm",
        words=f"{window.node}: the sensor of {window.source} says the same value again and again",
        device=window.device,
        value=window.mean_w,
        unit="W",
    )


def _explained(
    sign: Sign, calm: tuple[str | None, str | None, str | None] | None, window: Result, manifests: Manifests
) -> Sign:
    """A regression with what changed on the node since all was calm, if anything did."""
    if calm is None:
        return sign
    old, new = manifests.get(calm[0] or ""), manifests.get(window.manifest_hash or "")
    cause = what_changed(old, new) if old and new else _plainly(calm, window)
    if cause is None and window.throttle:
        cause = f"throttled: {', '.join(window.throttle)}"
    return replace(sign, cause=cause, words=f"{sign.words}; {cause}" if cause else sign.words)


def _plainly(calm: tuple[str | None, str | None, str | None], window: Result) -> str | None:
    """The same from the results alone, where the manifests are not known."""
    hash_, software, power_mode = calm
    if hash_ == window.manifest_hash:
        return None
    named = {"software": (software, window.software), "power_mode": (power_mode, window.power_mode)}
    parts = [f"{name} {old} → {new}" for name, (old, new) in named.items() if old != new]
    return " ".join([*parts, f"(manifest {hash_} → {window.manifest_hash})"])


def _stage(baseline: Baseline) -> tuple[bool, int, int]:
    """How far a baseline is: alarmed or not, how much it has learned, its last window."""
    learned = len(baseline.first)
    return baseline.alarmed, 0 if learned < WARM_UP else 1 if learned < SETTLED else 2, baseline.last


def _is_news(stored: tuple[bool, int, int] | None, now: tuple[bool, int, int]) -> bool:
    return stored is None or stored[:2] != now[:2] or now[2] - stored[2] >= KEEP_NS
