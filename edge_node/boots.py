"""A boot of the agent: its name, its anchor, and when it has to end because the wall clock was stepped."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from telemetry.contract.nodetime import NS_PER_S, node_time_ns

STEP_NS = NS_PER_S
EPOCH_2020_NS = 1_577_836_800 * NS_PER_S
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


def too_old(boots: Iterable[Boot], current: Boot, now_ns: int, age_ns: int) -> dict[str, int]:
    """For each boot the monotonic ns before which its frames are older than `age_ns`.

    On the kernel's current boot the monotonic clock tells; for earlier ones the wall clock, unless one of the
    two said a time before 2020: a device without a battery begins in 1970, and its frames are not old.
    """
    before = {}
    wall_ns = current.node_time(now_ns)
    for boot in boots:
        if boot.os_boot and boot.os_boot == current.os_boot:
            before[boot.id] = now_ns - age_ns
        elif min(boot.anchor, wall_ns) > EPOCH_2020_NS:
            before[boot.id] = wall_ns - age_ns - boot.anchor
    return before


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
