"""How a figure is taken: several rounds, the alternatives in turn (A B A B …), and the median of them."""

from __future__ import annotations

import gc
import resource
import time
from collections.abc import Awaitable, Callable, Sequence
from statistics import median
from typing import NamedTuple

import msgspec


class LeftOut(Exception):
    """A benchmark cannot be taken on this machine; its text says what it would take."""


class Effort(msgspec.Struct, frozen=True):
    """How much to do: `quick` only shows that a benchmark works, `long` is for what shows after minutes."""

    quick: bool = False
    long: bool = False

    def pick(self, full: int, quick: int) -> int:
        """A size: the full one, or the one that is quick."""
        return quick if self.quick else full

    @property
    def rounds(self) -> int:
        """How often each alternative is measured."""
        return self.pick(9, 1)


class Cost(NamedTuple):
    """What one round took: seconds on the wall, and CPU seconds of this process and its children."""

    wall_s: float
    cpu_s: float


class Unit(NamedTuple):
    """How seconds become a figure. Rates are better when they are higher."""

    name: str
    of: Callable[[float], float]
    rises: bool = False


class Target(NamedTuple):
    """A figure that was promised."""

    limit: float
    at_most: bool = True

    def reached_by(self, value: float) -> bool:
        """Whether a figure keeps the promise."""
        return value <= self.limit if self.at_most else value >= self.limit


class Figure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the table.

    `cpu` is the same figure from CPU time, which other programs on the machine disturb less. `other` is the
    figure of the alternative `against`, and `better` how many times better ours is (the median of the
    rounds' ratios).
    """

    name: str
    what: str
    value: float
    unit: str
    cpu: float | None = None
    against: str | None = None
    other: float | None = None
    better: float | None = None
    target: Target | None = None

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        return None if self.target is None else self.target.reached_by(self.value)


def per_item(count: int, name: str = "µs", of_a_second: float = 1e6) -> Unit:
    """The time of one of `count` items."""
    return Unit(name, lambda seconds: seconds / count * of_a_second)


def a_second(count: int, name: str) -> Unit:
    """How many of `count` items were done in a second."""
    return Unit(name, lambda seconds: count / seconds, rises=True)


def alternate(*acts: Callable[[], object], rounds: int) -> list[list[Cost]]:
    """The costs of each act, round by round: a machine that slows down does so for all of them.

    One more round comes first and is not counted: it warms caches and imports.
    """
    costs: list[list[Cost]] = [[] for _ in acts]
    for turn in range(rounds + 1):
        for act, taken in zip(acts, costs, strict=True):
            cost = cost_of(act)
            if turn:
                taken.append(cost)
    return costs


def cost_of(act: Callable[[], object]) -> Cost:
    """What an act takes once. Rubbish of earlier acts is cleared before."""
    gc.collect()
    wall, cpu = time.perf_counter(), _cpu_s()
    act()
    return Cost(time.perf_counter() - wall, _cpu_s() - cpu)


def _cpu_s() -> float:
    """CPU seconds of this process and of the children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


async def costs_of(ask: Callable[[], Awaitable[object]], rounds: int) -> list[Cost]:
    """The costs of what is awaited, round by round, after one that is not counted."""
    costs = []
    for _ in range(rounds + 1):
        gc.collect()
        wall, cpu = time.perf_counter(), _cpu_s()
        await ask()
        costs.append(Cost(time.perf_counter() - wall, _cpu_s() - cpu))
    return costs[1:]


def figure(name: str, what: str, unit: Unit, ours: Sequence[Cost]) -> Figure:
    """A figure from our costs alone."""
    return Figure(
        name=name,
        what=what,
        value=unit.of(median(cost.wall_s for cost in ours)),
        unit=unit.name,
        cpu=unit.of(max(median(cost.cpu_s for cost in ours), 1e-9)),
    )


def compare(name: str, what: str, unit: Unit, costs: Sequence[Sequence[Cost]], against: str) -> Figure:
    """A figure beside that of an alternative; `costs` are ours and the alternative's, round by round."""
    ours, theirs = costs
    return msgspec.structs.replace(
        figure(name, what, unit, ours),
        against=against,
        other=unit.of(median(cost.wall_s for cost in theirs)),
        better=median(other.wall_s / own.wall_s for own, other in zip(ours, theirs, strict=True)),
    )


def sizes(name: str, what: str, unit: str, ours: float, theirs: float, against: str) -> Figure:
    """A figure of what is not time: bytes, for which less is better."""
    return Figure(
        name=name, what=what, value=ours, unit=unit, against=against, other=theirs, better=theirs / ours
    )


def aiming(figure: Figure, limit: float, *, at_most: bool = True) -> Figure:
    """The figure beside the one that was promised."""
    return msgspec.structs.replace(figure, target=Target(limit, at_most))


def often(act: Callable[[], object], times: int) -> Callable[[], None]:
    """The act, so many times."""

    def repeated() -> None:
        for _ in range(times):
            act()

    return repeated
