"""Windows of a simulated node as the analyzer would make them, drawn by chance: no frame is made.

A healthy node has noise with memory, a daily cycle of temperature that its energy follows a little, and
nothing else. This is the level at which many nodes and seeds are affordable; `studies.soak.line` goes from
frames up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from analyzer.soak.assess import Material, Run
from analyzer.soak.axis import Boot, axis_of
from analyzer.soak.series import Floats, Window
from studies.soak.truth import MINUTE_NS, Injected
from telemetry.contract.soak_plan import Budgets, SoakPlan, SoakWatch

BEGIN = 1_790_035_200 * 10**9  # a midnight of UTC
DAY_MIN = 1440
J_PER_IMAGE, LATENCY_MS, TEMP_C = 0.12, 38.0, 52.0
IMAGES = 1500
NOISE_J, NOISE_LATENCY, NOISE_C = 0.010, 0.006, 0.5
MEMORY = 0.6
DAILY_C, LEAK = 3.0, 0.0015
"""Amplitude of the daily cycle, °C, and how much more energy an image takes for each degree."""
THROTTLE_SLOWER, THROTTLE_DEARER = 1.4, 1.12
BUDGETS = Budgets(
    drift_j_percent_day=0.5, drift_latency_percent_day=0.5, drift_temp_c_day=1.0, step_percent=3.0
)


def plan(hours: float) -> SoakPlan:
    """What every simulated node is held to."""
    return SoakPlan(name="study", duration=f"{hours:g} h", watch=SoakWatch(app="camera"), budgets=BUDGETS)


def material_of(seed: int, hours: float, faults: Sequence[Injected] = ()) -> Material:
    """A soak of one node that is over, with these faults."""
    minutes = round(hours * 60)
    windows = _windows(np.random.default_rng(seed), minutes, faults)
    run = Run("study-1", f"node-{seed}", "camera", plan(hours), BEGIN, BEGIN + minutes * MINUTE_NS)
    reports = [window.begin for window in windows]
    now = run.planned_end + 3600 * 10**9
    return Material(run, axis_of(_boots(minutes, faults)), windows, reports, now, now)


def memory(rng: np.random.Generator, length: int, spread: float) -> Floats:
    """Noise of so many minutes whose neighbours are alike: an autoregression of first order."""
    noise = rng.normal(0, spread * math.sqrt(1 - MEMORY**2), length)
    noise[0] = rng.normal(0, spread)
    for at in range(1, length):
        noise[at] += MEMORY * noise[at - 1]
    return noise


def _windows(rng: np.random.Generator, minutes: int, faults: Sequence[Injected]) -> list[Window]:
    days = np.arange(minutes) / DAY_MIN
    cycle = DAILY_C * np.sin(2 * math.pi * (days + rng.uniform()))
    joules = J_PER_IMAGE * (1 + memory(rng, minutes, NOISE_J) + LEAK * cycle)
    latency = LATENCY_MS * (1 + memory(rng, minutes, NOISE_LATENCY))
    warm = TEMP_C + cycle + memory(rng, minutes, NOISE_C)
    held, frozen, there = (np.zeros(minutes, bool) for _ in range(3))
    late = rng.uniform(1, 5, minutes)
    there[:] = True
    for fault in faults:
        span = slice(fault.at, fault.at + fault.minutes)
        if fault.kind == "drift":
            joules *= 1 + fault.size / 100 * days
        elif fault.kind == "step":
            joules[fault.at :] *= 1 + fault.size / 100
        elif fault.kind == "heating":
            warm += fault.size * days
        elif fault.kind == "throttled":
            joules[span] *= THROTTLE_DEARER
            latency[span] *= THROTTLE_SLOWER
            held[span] = True
        elif fault.kind == "frozen":
            frozen[span] = True
        elif fault.kind == "late":
            late[span] = 60.0 * np.arange(fault.minutes, 0, -1) + 1000
        elif fault.kind in ("silent", "rebooted"):
            there[span] = False
    return [
        Window(
            begin=BEGIN + int(at) * MINUTE_NS,
            images=int(IMAGES * LATENCY_MS / latency[at]),
            j_per_image=float(joules[at]),
            latency_ms=float(latency[at]),
            temp_c=float(warm[at]),
            throttle=("cpu",) if held[at] else (),
            is_frozen=bool(frozen[at]),
            late_s=float(late[at]),
        )
        for at in np.flatnonzero(there)
    ]


def _boots(minutes: int, faults: Sequence[Injected]) -> list[Boot]:
    """The boots that the starts and clock steps among the faults make."""
    kernel, begin = 0, MINUTE_NS
    anchor = right = BEGIN - MINUTE_NS
    boots: list[Boot] = []
    makers = [fault for fault in faults if fault.kind in ("rebooted", "restarted", "clock_step")]
    for fault in sorted(makers, key=lambda each: each.at):
        at = BEGIN + fault.at * MINUTE_NS - right
        boots.append(Boot(f"boot-{len(boots)}", f"kernel-{kernel}", anchor, begin, at, right - anchor))
        begin = at + fault.minutes * MINUTE_NS
        if fault.kind == "clock_step":
            anchor += round(fault.size * 1e9)
        elif fault.kind == "rebooted":
            kernel, begin = kernel + 1, 0
            anchor = right = BEGIN + (fault.at + fault.minutes) * MINUTE_NS
    end = begin + minutes * MINUTE_NS
    return [*boots, Boot(f"boot-{len(boots)}", f"kernel-{kernel}", anchor, begin, end, right - anchor)]
