"""What is done to a simulated node, and what of it a verdict has to name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from telemetry.contract.soak import Soak

FaultKind = Literal[
    "drift", "step", "heating", "throttled", "frozen", "clock_step", "rebooted", "restarted", "silent", "late"
]
NEAR_MIN = 60
"""A change point is where it was injected within this; the blocks are a quarter of that."""
EDGE_MIN = 4
"""An episode may begin and end so many windows beside the truth."""
LATE_MIN = 15
"""What is held up for less is not late: an outage's last minutes are not."""
MINUTE_NS = 60 * 10**9


class Injected(NamedTuple):
    """One fault: from minute `at` for `minutes`; `size` in percent (a day), °C a day, or seconds."""

    kind: FaultKind
    at: int = 0
    minutes: int = 0
    size: float = 0.0

    def __str__(self) -> str:
        sizes = {
            "drift": f"J per image {self.size:+g} % a day",
            "step": f"J per image {self.size:+g} % from minute {self.at} on",
            "heating": f"{self.size:+g} °C a day",
            "clock_step": f"clock set by {self.size:+g} s at minute {self.at}",
        }
        return sizes.get(self.kind, f"{self.kind} from minute {self.at} for {self.minutes} min")


def is_found(fault: Injected, soak: Soak) -> bool:
    """Whether a verdict names a fault where and as large as it was."""
    if fault.kind in ("drift", "heating"):
        metric = "j_per_image" if fault.kind == "drift" else "temp_c"
        drift = next((each for each in soak.drift if each.metric == metric), None)
        held = next((each for each in soak.held if each.name == _budget_of(fault)), None)
        return (
            drift is not None
            and held is not None
            and held.verdict == "fail"
            and abs(drift.per_day - fault.size) < 0.25 * abs(fault.size)
        )
    begin = soak.begin + fault.at * MINUTE_NS
    if fault.kind == "step":
        return any(
            change.metric == "j_per_image"
            and abs(change.at - begin) < NEAR_MIN * MINUTE_NS
            and abs(change.step - fault.size) < 0.25 * abs(fault.size)
            for change in soak.changes
        )
    early_min = EDGE_MIN + (LATE_MIN if fault.kind == "late" else 0)
    return any(
        each.kind == fault.kind
        and abs(each.begin - begin) <= EDGE_MIN * MINUTE_NS
        and -early_min <= (each.end - begin) / MINUTE_NS - fault.minutes <= EDGE_MIN
        and (fault.kind != "clock_step" or abs((each.value or 0.0) - fault.size) < 0.5)
        for each in soak.episodes
    )


def false_alarms(faults: Sequence[Injected], soak: Soak) -> list[str]:
    """What a verdict names that nobody did."""
    alarms = [
        f"{each.kind}: {each.words}"
        for each in soak.episodes
        if not any(fault.kind == each.kind and _is_near(fault, each.begin, soak) for fault in faults)
    ]
    alarms += [
        f"step of {change.metric} by {change.step:+.2f} {change.unit}"
        for change in soak.changes
        if not any(fault.kind == "step" and _is_near(fault, change.at, soak) for fault in faults)
    ]
    asked = {_budget_of(fault) for fault in faults}
    return alarms + [
        each.words
        for each in soak.held
        if each.verdict == "fail" and each.name.startswith("drift") and each.name not in asked
    ]


def _is_near(fault: Injected, at: int, soak: Soak) -> bool:
    return abs(at - soak.begin - fault.at * MINUTE_NS) < NEAR_MIN * MINUTE_NS


def _budget_of(fault: Injected) -> str:
    return {"drift": "drift_j_percent_day", "heating": "drift_temp_c_day"}.get(fault.kind, "")
