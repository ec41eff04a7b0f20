"""How one node conducts itself: present, on time, delivering, cool, measured. Pure: times are passed in.

Node times are moved to UTC by the offset that its pings tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec.structs import replace

from analyzer.circumstances import CLOCK_BAD_NS
from analyzer.fleet.changes import what_changed
from analyzer.fleet.signs import Latch, Sign
from telemetry.contract.frames import ClockFrame, HealthFrame, ManifestFrame
from telemetry.contract.nodetime import NS_PER_S

if TYPE_CHECKING:
    from telemetry.contract.events import FindingKind, Severity
    from telemetry.contract.frames import Frame
    from telemetry.contract.replies import State

LOST_S = 30.0
"""A node that the broker lost comes back within this, or is told of."""
HOLE_S = 600.0
"""How long frames may be on their way before their absence is a hole."""
NEWS_NS = 600 * NS_PER_S
"""A boot that began longer ago is history and no news."""
MIB = 1 << 20
RELIEF = 0.5
"""What was too much is over when it is below this share of the limit."""
NO_FIGURE = (0.0, "")
ALIVE = ("init", "ready", "draining")
LOOKS = {"throttled": (2, 3), "spool_filling": (3, 1)}
"""How many looks in a row begin a finding, and how many end it, where it is not one each."""


@dataclass(frozen=True)
class Limits:
    """`silent_s`: how long nothing may come of a node; `spool_mib`: how much it may keep."""

    silent_s: float
    spool_mib: float


class Conduct:
    """One node, fed with its frames and states; `look` gives the signs since the last look."""

    def __init__(self, node: str, limits: Limits, now_s: float) -> None:
        self.node = node
        self.manifests: dict[str, ManifestFrame] = {}
        self._limits = limits
        self._signs: list[Sign] = []
        self._latches: dict[FindingKind, Latch] = {}
        self._offset_ns = 0
        self._boots: dict[str, ManifestFrame] = {}
        self._judged: set[str] = set()
        self._state: State | None = None
        self._state_s = self._heard_s = self._whole_s = now_s
        self._was_heard = False
        self._missing = 0
        self._reported_ns = self._pinged_ns = -(2**63)

    @property
    def device(self) -> str | None:
        """The kind of device, by the newest manifest."""
        newest = max(self._boots.values(), key=_told_ns, default=None)
        return newest.device.kind if newest else None

    def hear(self, now_s: float) -> None:
        """Something new of it is settled."""
        self._heard_s, self._was_heard = now_s, True

    def take(self, boot: str, frame: Frame) -> None:
        """A report, a manifest or pings of it."""
        if isinstance(frame, HealthFrame):
            self._report(frame)
        elif isinstance(frame, ClockFrame) and frame.exchanges:
            self._pings(frame)
        elif isinstance(frame, ManifestFrame):
            self._boots[boot] = min(frame, self._boots.get(boot, frame), key=_told_ns)
            self.manifests[frame.hash] = frame
            estimated = bool(frame.streams) and all(each.origin == "estimated" for each in frame.streams)
            words = f"{self.node} has no sensor that measures: its energy is estimated"
            sign = self._sign("estimated_only", _utc(frame, self._offset_ns), words, "info")
            self._see(sign, holds=estimated)

    def state(self, said: State, now_s: float) -> None:
        """What its retained topic says now."""
        if self._state is not None and (said.state, said.boot) != (self._state.state, self._state.boot):
            self._state_s = now_s
            self.hear(now_s)
        self._state = said

    def leave(self, now_ns: int) -> None:
        """It is gone for good: whatever lasts of it ends."""
        self._state = None
        for kind, latch in self._latches.items():
            latch.state = None
            self._signs.append(replace(self._sign(kind, now_ns, ""), turn="end"))

    def ledger(self, missing: int, now_s: float) -> None:
        """How many frames it made that nobody has."""
        if not missing:
            self._whole_s = now_s
        self._missing = missing

    def look(self, now_s: float, now_ns: int) -> list[Sign]:
        """What was seen since the last look, and what the passing of time says."""
        self._presence(now_s, now_ns)
        absent_s = now_s - self._whole_s
        if not self._missing or absent_s >= HOLE_S:
            words = f"{self.node}: {self._missing} frames that it made are missing, and it has them no more"
            begin = now_ns - round(absent_s * NS_PER_S)
            sign = self._sign("hole", begin, words, figure=(float(self._missing), "frames"))
            self._see(sign, holds=self._missing > 0)
        self._restarts(now_ns)
        signs, self._signs = self._signs, []
        return signs

    def _presence(self, now_s: float, now_ns: int) -> None:
        if self._state is None:
            return
        state, ago_s, quiet_s = self._state.state, now_s - self._state_s, now_s - self._heard_s
        if state != "lost" or ago_s >= LOST_S:
            words = f"{self.node} is lost: the broker has no connection of it any more"
            begin = now_ns - round(ago_s * NS_PER_S)
            self._see(self._sign("lost", begin, words), holds=state == "lost")
        silent = state in ALIVE and quiet_s >= self._limits.silent_s
        if silent or self._was_heard or state not in ALIVE:
            words = f"{self.node} is silent: it is {state}, and nothing came of it for {quiet_s:.0f} s"
            begin = now_ns - round(quiet_s * NS_PER_S)
            self._see(self._sign("silent", begin, words, figure=(quiet_s, "s")), holds=silent)

    def _report(self, frame: HealthFrame) -> None:
        at = _utc(frame, self._offset_ns)
        if at <= self._reported_ns:
            return  # of a backlog, whose newest comes first
        self._reported_ns = at
        if frame.throttle is not None:
            words = f"{self.node} slows itself down: {', '.join(frame.throttle)}"
            self._see(self._sign("throttled", at, words, "warning"), holds=bool(frame.throttle))
        if frame.spool_bytes is not None:
            mib, most = frame.spool_bytes / MIB, self._limits.spool_mib
            words = f"{self.node} keeps {mib:.0f} MiB in its spool: it makes more than it can deliver"
            sign = self._sign("spool_filling", at, words, figure=(mib, "MiB"))
            self._see(replace(sign, expected=most), holds=mib >= most * self._share("spool_filling"))

    def _pings(self, frame: ClockFrame) -> None:
        best = min(frame.exchanges, key=lambda each: (each.t4 - each.t1) - (each.t3 - each.t2))
        if best.t3 <= self._pinged_ns:
            return
        self._pinged_ns = best.t3
        self._offset_ns = ((best.t2 - best.t1) + (best.t3 - best.t4)) // 2 - frame.anchor
        ahead_s = -self._offset_ns / NS_PER_S
        words = f"{self.node}'s clock is {abs(ahead_s):.0f} s {'ahead' if ahead_s > 0 else 'behind'}"
        sign = self._sign("clock_bad", best.t3, words, figure=(ahead_s, "s"))
        self._see(
            replace(sign, expected=0.0), holds=abs(self._offset_ns) > CLOCK_BAD_NS * self._share("clock_bad")
        )

    def _restarts(self, now_ns: int) -> None:
        """A boot that is news, beside one that began before it."""
        for boot in self._boots.keys() - self._judged:
            self._judged.add(boot)
            new = self._boots[boot]
            before = [each for each in self._boots.values() if _told_ns(each) < _told_ns(new)]
            at = _utc(new, self._offset_ns)
            if before and abs(now_ns - at) < NEWS_NS:
                self._restart(max(before, key=_told_ns), new, at)

    def _restart(self, old: ManifestFrame, new: ManifestFrame, at: int) -> None:
        what = "agent" if new.os_boot and old.os_boot == new.os_boot else "device"
        cause = what_changed(old, new)
        words = f"{self.node}: the {what} was started anew" + (f"; {cause}" if cause else "")
        sign = self._sign("restarted", at, words, "info")
        self._signs.append(replace(sign, turn="moment", subject=what, cause=cause))

    def _share(self, kind: FindingKind) -> float:
        latch = self._latches.get(kind)
        return RELIEF if latch and latch.state else 1.0

    def _see(self, sign: Sign, *, holds: bool) -> None:
        """One look at one condition; what turned with it is a sign."""
        latch = self._latches.setdefault(sign.kind, Latch(*LOOKS.get(sign.kind, (1, 1))))
        turn = latch.see(holds=holds, at_ns=sign.at)
        if turn is not None:
            self._signs.append(replace(sign, turn=turn, at=latch.since_ns))

    def _sign(
        self,
        kind: FindingKind,
        at: int,
        words: str,
        severity: Severity = "alarm",
        figure: tuple[float, str] = NO_FIGURE,
    ) -> Sign:
        return Sign(
            kind=kind,
            node=self.node,
            at=at,
            severity=severity,
            words=words,
            device=self.device,
            value=figure[0] if figure[1] else None,
            unit=figure[1] or None,
        )


def _told_ns(frame: ManifestFrame) -> int:
    return frame.anchor + frame.t0


def _utc(frame: Frame, offset_ns: int) -> int:
    return frame.anchor + frame.t0 + offset_ns
