"""A boot of the agent: its name, its anchor, and when it has to end because the wall clock was stepped."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from telemetry.contract.nodetime import NS_PER_S, node_time_ns

STEP_NS = NS_PER_S
READINGS = 5
OS_BOOT = Path("proc/sys/kernel/random/boot_id")


class Boot(NamedTuple):
    """`id` is unique for each start; `anchor` (ns) + monotonic is node time; `os_boot` is the kernel's."""

    id: str
    anchor: int
    os_boot: str

    def node_time(self, monotonic_ns: int) -> int:
        """Node time of a monotonic instant, ns."""
        return node_time_ns(self.anchor, monotonic_ns)

    def is_stepped(self, anchor_now: int) -> bool:
        """Whether the wall clock moved by more than a second against this boot's clock."""
        return abs(anchor_now - self.anchor) > STEP_NS


def new_boot(root: Path = Path("/")) -> Boot:
    """A boot that starts now."""
    return Boot(secrets.token_hex(8), read_anchor(), read_os_boot(root))


def read_anchor(
    wall_ns: Callable[[], int] = time.time_ns, monotonic_ns: Callable[[], int] = time.monotonic_ns
) -> int:
    """Wall clock less monotonic clock, ns: of a few readings the one that was interrupted least."""
    readings = []
    for _ in range(READINGS):
        before = monotonic_ns()
        wall = wall_ns()
        after = monotonic_ns()
        readings.append((after - before, wall - (before + after) // 2))
    return min(readings)[1]


def read_os_boot(root: Path = Path("/")) -> str:
    """The kernel's boot id; empty where the kernel has none, and then no two boots share a clock."""
    try:
        return (root / OS_BOOT).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
