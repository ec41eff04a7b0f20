"""A simulated device, minute by minute, as the frames that a real one would send.

Its power is read once a second by a noisy sensor; its work is marked, its health and its clock are reported,
once a minute each. Real are the frames, their numbers and their encoding; simulated is what they tell.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np

from studies.soak.truth import MINUTE_NS, Injected
from studies.soak.windows import (
    BEGIN,
    DAILY_C,
    DAY_MIN,
    J_PER_IMAGE,
    LATENCY_MS,
    LEAK,
    NOISE_C,
    NOISE_J,
    NOISE_LATENCY,
    TEMP_C,
    THROTTLE_DEARER,
    THROTTLE_SLOWER,
    memory,
    plan,
)
from telemetry.contract.columns import pack, pack_dt
from telemetry.contract.documents import Latency, Result
from telemetry.contract.frames import (
    VERSION,
    ClockFrame,
    Exchange,
    Frame,
    HealthFrame,
    ManifestFrame,
    MarksFrame,
    PowerFrame,
    StreamHealth,
)
from telemetry.contract.manifest import Device, StreamInfo
from telemetry.contract.marks import SoakBegin, Work

APP, MODEL, SOAK = "camera", "detector", "study-1"
SECOND_NS = 10**9
SAMPLES = 60
BATCH, BATCHES = 50, 30
SENSOR_W = 0.05
INFO = StreamInfo(
    stream="main",
    sensor="simulated",
    channels=("total",),
    total="total",
    origin="synthetic",
    period_ms=1000.0,
    noise_w=SENSOR_W,
    resolution_w=0.01,
    gain_uncertainty=0.01,
)
Sent = tuple[str, Frame]
"""A kind and stream such as ``power/main``, and the frame."""


class SimulatedDevice:
    """One node. `minute` makes its frames; every number of a frame is given once, and its ledger closes."""

    def __init__(self, name: str, seed: int, hours: float, faults: Sequence[Injected]) -> None:
        self.name = name
        self.minutes = round(hours * 60)
        self.faults = tuple(faults)
        self._plan = plan(hours)
        self._rng = np.random.default_rng(seed)
        rng, count = self._rng, self.minutes
        days = np.arange(count) / DAY_MIN
        cycle = DAILY_C * np.sin(2 * math.pi * (days + rng.uniform()))
        self._joules = J_PER_IMAGE * (1 + memory(rng, count, NOISE_J) + LEAK * cycle)
        self._latency = LATENCY_MS * (1 + memory(rng, count, NOISE_LATENCY))
        self._warm = TEMP_C + cycle + memory(rng, count, NOISE_C)
        self._boots = 0
        self._kernels = 0
        self._base = BEGIN - MINUTE_NS
        self._anchor = self._base
        self._begin_boot(new_kernel=True)

    def minute(self, at: int, *, only_reports: bool = False) -> Iterator[Sent]:
        """The frames of one minute, with or without power and work; none while the device is away."""
        if self._is(at, "silent", "rebooted"):
            return
        yield from self._starts(at)
        begin = BEGIN + at * MINUTE_NS - self._base
        if not self._seqs:
            yield self._manifest(begin - SECOND_NS)
            if self._boots == 1:
                yield self._soak_mark(begin)
        if not only_reports:
            yield self._power(at, begin)
            yield self._work(at, begin)
        yield self._clock(begin)
        yield self._health(at, begin + 30 * SECOND_NS)

    def result(self, at: int) -> Result | None:
        """What the analyzer would conclude of a minute; None while the device is away."""
        if self._is(at, "silent", "rebooted"):
            return None
        begin = BEGIN + at * MINUTE_NS - self._base + self._anchor
        late = next((f for f in self.faults if f.kind == "late" and f.at <= at < f.at + f.minutes), None)
        known = BEGIN + (late.at + late.minutes if late else at + 1) * MINUTE_NS + 5 * SECOND_NS
        slower = THROTTLE_SLOWER if self._is(at, "throttled") else 1.0
        images, joules = self._images(at), self._energy_j(at)
        latency = float(self._latency[at]) * slower
        return Result(
            node=self.name,
            window=f"work/{self.name}/{APP}/{MODEL}/{begin}/{begin + MINUTE_NS}",
            kind="interval",
            stream="main",
            begin=begin,
            end=begin + MINUTE_NS,
            state="valid",
            revision=1,
            computed_at=known,
            flags=("frozen",) if self._is(at, "frozen") else (),
            device="simulated",
            leads=True,
            app=APP,
            model=MODEL,
            utc_offset_ns=self._base - self._anchor,
            energy_j=joules,
            images=images,
            j_per_1000=joules / images * 1000,
            latency_ms=Latency(p50=latency, p95=latency, p99=latency),
            temp_c={"cpu": self._temp_c(at)},
            throttle=("cpu",) if self._is(at, "throttled") else None,
        )

    def farewell(self) -> Iterator[Sent]:
        """The last words of the last boot, so that its ledger can be closed."""
        yield self._closing(self.minutes)

    def _starts(self, at: int) -> Iterator[Sent]:
        """The last words of a boot that is over, when the next one begins: they were in its spool."""
        for fault in self.faults:
            if fault.kind in ("restarted", "clock_step") and fault.at == at:
                yield self._closing(at)
                self._anchor += round(fault.size * SECOND_NS) if fault.kind == "clock_step" else 0
                self._begin_boot(new_kernel=False)
            elif fault.kind == "rebooted" and fault.at + fault.minutes == at:
                yield self._closing(fault.at)
                self._base = self._anchor = BEGIN + at * MINUTE_NS - 20 * SECOND_NS
                self._begin_boot(new_kernel=True)

    def _begin_boot(self, *, new_kernel: bool) -> None:
        self._boots += 1
        self._kernels += new_kernel
        self._boot = f"{self.name}-boot-{self._boots}"
        self._seqs: dict[str, int] = {}
        self._ticks = 0

    def _is(self, at: int, *kinds: str) -> bool:
        return any(f.kind in kinds and f.at <= at < f.at + f.minutes for f in self.faults)

    def _stamp(self, stream: str, t0: int) -> dict[str, Any]:
        seq = self._seqs.get(stream, 0)
        self._seqs[stream] = seq + 1
        return {"v": VERSION, "boot": self._boot, "seq": seq, "anchor": self._anchor, "t0": t0}

    def _manifest(self, t0: int) -> Sent:
        stream = "manifest/node"
        frame = ManifestFrame(
            **self._stamp(stream, t0),
            os_boot=f"{self.name}-kernel-{self._kernels}",
            device=Device(kind="simulated"),
            software="studies.soak",
            hash="study",
            streams=(INFO,),
        )
        return stream, frame

    def _soak_mark(self, t0: int) -> Sent:
        mark = SoakBegin(
            t=t0,
            soak=SOAK,
            app=APP,
            plan=msgspec.to_builtins(self._plan),
            left_s=self._plan.duration_s,
            starts=0,
        )
        return "marks/app", MarksFrame(**self._stamp("marks/app", t0), events=(mark,))

    def _images(self, at: int) -> int:
        slower = THROTTLE_SLOWER if self._is(at, "throttled") else 1.0
        return round(BATCH * BATCHES * LATENCY_MS / (float(self._latency[at]) * slower))

    def _energy_j(self, at: int) -> float:
        joules = float(self._joules[at]) * self._images(at)
        for fault in self.faults:
            if fault.kind == "drift":
                joules *= 1 + fault.size / 100 * at / DAY_MIN
            elif fault.kind == "step" and at >= fault.at:
                joules *= 1 + fault.size / 100
        return joules * (THROTTLE_DEARER if self._is(at, "throttled") else 1.0)

    def _temp_c(self, at: int) -> float:
        heating = sum(each.size for each in self.faults if each.kind == "heating")
        return float(self._warm[at]) + heating * at / DAY_MIN

    def _power(self, at: int, begin: int) -> Sent:
        """The readings from the first second of a minute to the last, their mean that of the truth."""
        watts = self._energy_j(at) / 60 + self._rng.normal(0, SENSOR_W, SAMPLES)
        if self._is(at, "frozen"):
            watts[:] = watts[0]
        stamp = self._stamp("power/main", begin)
        first, self._ticks = self._ticks, self._ticks + SAMPLES
        frame = PowerFrame(
            **stamp,
            dt=pack_dt([tick * SECOND_NS for tick in range(SAMPLES)]),
            tick=SECOND_NS,
            ch=INFO.channels,
            w=pack("f", watts.tolist()),
            first=first,
            missed=0,
        )
        return "power/main", frame

    def _work(self, at: int, begin: int) -> Sent:
        slower = THROTTLE_SLOWER if self._is(at, "throttled") else 1.0
        took = round(self._latency[at] * slower * 1e6)
        images = self._images(at)
        ends = [begin + (each + 1) * 60 * SECOND_NS // (BATCHES + 1) for each in range(BATCHES)]
        shares = [images // BATCHES + (each < images % BATCHES) for each in range(BATCHES)]
        mark = Work(
            t=begin + 59 * SECOND_NS,
            app=APP,
            model=MODEL,
            begin=pack("q", [end - took for end in ends]),
            end=pack("q", ends),
            images=pack("i", shares),
        )
        return "marks/app", MarksFrame(**self._stamp("marks/app", begin + 59 * SECOND_NS), events=(mark,))

    def _clock(self, begin: int) -> Sent:
        """One ping: the true time at its middle, 400 µs on each way."""
        sent, true = begin + SECOND_NS, self._base + begin + SECOND_NS + 400_000
        exchange = Exchange(t1=sent, t2=true, t3=true, t4=sent + 800_000)
        stream = "clock/collector"
        return stream, ClockFrame(**self._stamp(stream, sent), peer="collector", exchanges=(exchange,))

    def _health(self, at: int, t0: int) -> Sent:
        stamp = self._stamp("health/agent", t0)
        frame = HealthFrame(
            **stamp,
            streams=self._report(final=False),
            temp_c={"cpu": self._temp_c(at)},
            throttle=("cpu",) if self._is(at, "throttled") else (),
        )
        return "health/agent", frame

    def _closing(self, at: int) -> Sent:
        t0 = BEGIN + at * MINUTE_NS - self._base - SECOND_NS
        stamp = self._stamp("health/agent", t0)
        return "health/agent", HealthFrame(**stamp, streams=self._report(final=True))

    def _report(self, *, final: bool) -> tuple[StreamHealth, ...]:
        """Everything was sent: nothing is spooled and nothing lost."""
        return tuple(
            StreamHealth(
                boot=self._boot,
                stream=stream,
                next_seq=count,
                spooled=(),
                declared_lost=(),
                ticks=self._ticks if stream == "power/main" else 0,
                final=final,
            )
            for stream, count in self._seqs.items()
        )
