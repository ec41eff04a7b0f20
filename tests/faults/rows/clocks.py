"""Wall clocks that jump and drift: the energy is counted by another clock."""

from __future__ import annotations

import random
import time

from tests.faults.row import Row, caught_up
from tests.faults.scene import Scene
from tests.processes import until

DAY_NS = 86_400 * 10**9
PPM = 200
JUST_BELOW_A_STEP_NS = 999_500_000


def ahead_ns(scene: Scene) -> int:
    """What the node's wall clock is ahead by now."""
    if not scene.device.clock.exists():
        return 0
    ahead, ppm, since = map(int, scene.device.clock.read_text().split())
    return ahead + (time.monotonic_ns() - since) * ppm // 1_000_000


def set_ahead(scene: Scene, ns: int, ppm: int) -> None:
    scene.props.boots_before = boots(scene)
    fresh = scene.device.clock.with_suffix(".new")
    fresh.write_text(f"{ns} {ppm} {time.monotonic_ns()}")
    fresh.replace(scene.device.clock)


def boots(scene: Scene) -> int:
    agent = scene.device.agent
    assert agent is not None
    return agent.text.count("boot begins")


async def step(scene: Scene, chance: random.Random) -> None:
    """By a day, to and fro."""
    set_ahead(scene, chance.choice([-1, 1]) * DAY_NS if not ahead_ns(scene) else 0, 0)


async def drift(scene: Scene, chance: random.Random) -> None:
    """By 200 ppm, and almost as far as a new anchor takes: it goes over that within the try."""
    del chance
    set_ahead(scene, ahead_ns(scene) + JUST_BELOW_A_STEP_NS, PPM)


async def anchored_anew(scene: Scene, trial: str) -> None:
    """A clock that moved by more than a second makes a new boot, once no trial runs."""
    before = scene.props.boots_before
    await until(lambda: boots(scene) > before, lambda: "no new boot")
    await caught_up(scene, trial)


ROWS = (
    Row(
        "clock-stepped",
        "the node's wall clock stepped by a day",
        "agent",
        "step",
        step,
        recovered=anchored_anew,
    ),
    Row(
        "clock-drifting",
        f"the node's wall clock drifting by {PPM} ppm, over the second at which it is anchored anew",
        "agent",
        f"{PPM} ppm",
        drift,
        recovered=anchored_anew,
    ),
)
