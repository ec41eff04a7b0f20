"""Node time: a clock that looks like Unix nanoseconds and never steps (docs/contract.md, "Time").

Node time = anchor + monotonic, where the anchor is the wall clock less the monotonic clock, read once
when a boot of the agent starts. Energy is integrated in monotonic time and never sees a clock step.
"""

from __future__ import annotations

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
INT64_MAX = 2**63 - 1
INT64_MIN = -(2**63)


def node_time_ns(anchor_ns: int, monotonic_ns: int) -> int:
    """Node time of a monotonic instant of the boot that has this anchor."""
    return anchor_ns + monotonic_ns


def monotonic_ns(anchor_ns: int, node_ns: int) -> int:
    """The monotonic instant of a node time, on the clock of the boot that has this anchor."""
    return node_ns - anchor_ns


def seconds(duration_ns: int) -> float:
    """A duration in seconds."""
    return duration_ns / NS_PER_S


def to_ns(duration_s: float) -> int:
    """A duration in whole nanoseconds."""
    return round(duration_s * NS_PER_S)
