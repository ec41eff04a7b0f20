"""What the agent counts, as Prometheus reads it: plain text, because a device has the base install only.

Frames that an earlier life of the agent left in the spool count as made: made = stored + spooled + lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from edge_node.recorder import Recorder

PREFIX = "e3p_node_"


class Metric(NamedTuple):
    """A number that is exposed: its name without the prefix, what Prometheus calls its kind, its words."""

    name: str
    kind: Literal["counter", "gauge"]
    words: str

    @property
    def full_name(self) -> str:
        """As it is exposed."""
        return f"{PREFIX}{self.name}{'_total' if self.kind == 'counter' else ''}"


METRICS = (
    Metric("made", "counter", "Frames made, and those found in the spool at the start"),
    Metric("stored", "counter", "Frames that the collector answers for: stored, or a dead letter"),
    Metric("lost", "counter", "Frames given up and declared lost"),
    Metric("spooled", "gauge", "Frames kept here until they are stored"),
    Metric("spool_bytes", "gauge", "Bytes of the frames in the spool"),
    Metric("in_flight", "gauge", "Frames sent and not yet answered"),
    Metric("sent", "counter", "Frames sent, each time anew"),
    Metric("open_trials", "gauge", "Trials that run"),
    Metric("connected", "gauge", "1 while the broker is connected"),
)


def numbers(recorder: Recorder, *, open_trials: int, connected: bool) -> dict[str, float]:
    """The values of all metrics now, by name."""
    tally = recorder.accounts.tally
    return {
        "made": tally.made,
        "stored": tally.settled,
        "lost": tally.lost,
        "spooled": recorder.accounts.kept,
        "spool_bytes": recorder.spool_bytes,
        "in_flight": len(recorder.delivery.in_flight),
        "sent": recorder.delivery.sends,
        "open_trials": open_trials,
        "connected": connected,
    }


def expose(values: Mapping[str, float]) -> bytes:
    """The exposition of these values, by the metrics' names."""
    lines = []
    for metric in METRICS:
        name = metric.full_name
        lines += [
            f"# HELP {name} {metric.words}",
            f"# TYPE {name} {metric.kind}",
            f"{name} {float(values[metric.name])}",
        ]
    return ("\n".join(lines) + "\n").encode()
