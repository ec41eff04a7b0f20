"""The page of soaks: verdict, budgets, each figure over time with drift and steps, episodes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from analyzer.soak.series import WINDOW_NS, Series
from telemetry.contract.soak import Change, Drift, Episode, Held, Metric, Soak
from view.comparison import Figure
from view.numbers import moment, number, percent
from view.soak_figure import Course, figure_of
from view.tables import Table

TITLES: dict[Metric, str] = {
    "j_per_image": "Energy of an image",
    "latency_ms": "Latency of a batch",
    "temp_c": "Temperature",
}
STATES = {"pass": "valid", "inconclusive": "degraded", "fail": "invalid"}
"""The colour of a verdict is that of a result's state."""


@dataclass(frozen=True)
class Plot:
    """One figure over time, and what it shows in words."""

    title: str
    words: str
    figure: Figure


@dataclass(frozen=True)
class Part:
    """One soak of one node."""

    title: str
    verdict: str
    state: str
    reasons: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    budgets: Table
    plots: tuple[Plot, ...]
    tables: tuple[Table, ...]


@dataclass(frozen=True)
class SoakPage:
    """All of the page."""

    title: str
    made: str
    sentence: str
    parts: tuple[Part, ...]


def courses_of(series: Series) -> list[Course]:
    """The courses of the figures that any window has."""
    found = []
    for metric in TITLES:
        values = series.values(metric)
        known = np.flatnonzero(np.isfinite(values))
        if len(known):
            times = [series.slots.at(int(slot)) + WINDOW_NS // 2 for slot in series.slot[known]]
            found.append(Course(metric, times, values[known].tolist(), series.compared[known].tolist()))
    return found


def soak_page(soaks: Sequence[tuple[Soak, Sequence[Course]]], now_ns: int) -> SoakPage:
    """The page of these verdicts, each with the courses of its figures."""
    names = sorted({soak.name for soak, _ in soaks})
    counts = {verdict: sum(soak.verdict == verdict for soak, _ in soaks) for verdict in STATES}
    told = [f"{count} {verdict}" for verdict, count in counts.items() if count]
    one = soaks[0][0] if len(soaks) == 1 else None
    return SoakPage(
        title=f"Soak {', '.join(names)}",
        made=moment(now_ns) or "",
        sentence=f"{one.node}: {one.verdict}" if one else f"{len(soaks)} nodes: {', '.join(told)}",
        parts=tuple(_part(soak, courses) for soak, courses in soaks),
    )


def _part(soak: Soak, courses: Sequence[Course]) -> Part:
    drifts = {drift.metric: drift for drift in soak.drift}
    plots = (_plot(soak, course, drifts.get(course.metric)) for course in courses)
    tables = (_episodes(soak.episodes), _changes(soak.changes), _compared(soak))
    return Part(
        title=f"{soak.node}, {soak.model or soak.app}",
        verdict=soak.verdict,
        state=STATES[soak.verdict],
        reasons=soak.reasons,
        facts=tuple(_facts(soak)),
        budgets=Table(
            "Each budget, and what was found", ("budget", "verdict", "found"), tuple(map(_held, soak.held))
        ),
        plots=tuple(plots),
        tables=tuple(table for table in tables if table.rows),
    )


def _facts(soak: Soak) -> Iterator[tuple[str, str]]:
    windows, frames = soak.windows, soak.frames
    yield "begin", moment(soak.begin) or ""
    yield "end" if soak.is_over else "so far", moment(soak.end) or ""
    yield "planned end", moment(soak.planned_end) or ""
    yield "windows due", f"{windows.expected:,}"
    yield "complete", f"{windows.complete:,}"
    yield "degraded", f"{windows.degraded:,}"
    yield "missing", f"{windows.missing:,}"
    yield "not due", f"{windows.resting:,}"
    yield "compared", f"{windows.compared:,}"
    if windows.expected:
        yield "complete, share", percent(windows.complete / windows.expected, 2) or ""
    if frames:
        yield "frames made", f"{frames.made:,}"
        yield "frames lost", f"{frames.lost:,}"
        yield "ledger", "closes" if frames.closed else "does not close"
    yield from (
        (name, value) for name, value in (("device", soak.device), ("software", soak.software)) if value
    )


def _held(held: Held) -> tuple[str | None, ...]:
    return held.name.replace("_", " "), held.verdict, held.words


def _plot(soak: Soak, course: Course, drift: Drift | None) -> Plot:
    words = "too few windows can be compared to tell a drift"
    if drift:
        lo, hi = (("no limit" if each is None else f"{each:+.3g}") for each in (drift.lo, drift.hi))
        words = f"drift {drift.per_day:+.3g} {drift.unit} (95 %: {lo} to {hi}), around {number(drift.level)}"
        words += f" {drift.level_unit}; {drift.windows:,} windows in {drift.blocks} blocks"
    steps = sum(change.metric == course.metric for change in soak.changes)
    words += f"; {steps} step{'' if steps == 1 else 's'}" if steps else ""
    return Plot(TITLES[course.metric], words, figure_of(soak, course, drift))


def _episodes(episodes: Sequence[Episode]) -> Table:
    rows = [(e.kind, moment(e.begin), moment(e.end), e.words) for e in episodes]
    return Table("Episodes", ("what", "begin", "end", "in words"), tuple(rows))


def _changes(changes: Sequence[Change]) -> Table:
    rows = [
        (TITLES[c.metric], moment(c.at), f"{c.step:+.2f} {c.unit}", f"{c.lo:+.2f} to {c.hi:+.2f}")
        for c in changes
    ]
    return Table(
        "Moments from which a figure is another",
        ("figure", "at", "step", "95 %"),
        tuple(rows),
        frozenset({2}),
    )


def _compared(soak: Soak) -> Table:
    rows = [
        (
            TITLES[c.metric],
            number(c.before),
            number(c.now),
            f"{c.percent:+.2f} %",
            f"{c.lo:+.2f} to {c.hi:+.2f}",
        )
        for c in soak.compared
    ]
    against = soak.compared[0].soak if soak.compared else ""
    head = ("figure", "before", "now", "change", "95 %")
    return Table(f"Against {against}", head, tuple(rows), frozenset({1, 2, 3}))
