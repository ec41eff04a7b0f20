"""From what is stored of a soak to its verdict. Pure: the same windows always give the same document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from analyzer.soak.axis import Axis
from analyzer.soak.episodes import absent, episodes_of
from analyzer.soak.figures import compare, figure_of
from analyzer.soak.judge import comparison_held, counts_held, drifts_held, limits_held, verdict_of
from analyzer.soak.series import WINDOW_NS, Series, Window, series_of, slots_between
from telemetry.contract.documents import LedgerRow
from telemetry.contract.nodetime import NS_PER_S
from telemetry.contract.soak import Change, Compared, Drift, Episode, Frames, Held, Metric, Soak, Windows
from telemetry.contract.soak_plan import SoakPlan

METRICS: tuple[Metric, ...] = ("j_per_image", "latency_ms", "temp_c")
SETTLE_NS = 2 * WINDOW_NS
"""The newest windows may still be on their way: they are expected only after that."""


@dataclass(frozen=True)
class Run:
    """One soak as its marks tell it: `begin` and `planned_end` are on its axis, ns.

    `starts` are the moments at which its program began again by itself, after a failure of its own.
    """

    soak: str
    node: str
    app: str
    plan: SoakPlan
    begin: int
    planned_end: int
    starts: tuple[int, ...] = ()


class Facts(NamedTuple):
    """What the windows say of the node beside numbers."""

    model: str | None = None
    device: str | None = None
    stream: str | None = None
    software: str | None = None


NO_FACTS = Facts()


@dataclass(frozen=True)
class Material:
    """All that a verdict rests on: `reports` are when the node told how it fares; `now` is on the axis."""

    run: Run
    axis: Axis
    windows: Sequence[Window]
    reports: Sequence[int]
    now: int
    at: int
    ledger: Sequence[LedgerRow] = ()
    earlier: Soak | None = None
    facts: Facts = NO_FACTS


def assess(material: Material) -> Soak:
    """The verdict on a soak, as far as it has come."""
    run = material.run
    is_over = material.now - SETTLE_NS >= run.planned_end
    end = min(run.planned_end, material.now - SETTLE_NS)
    series = series_up_to(material, end)
    episodes = episodes_of(series, material.reports, list(_happened(material)))
    drifts, changes = _figures_of(series)
    windows = _windows(series)
    compared = tuple(_compared(drifts, material.earlier))
    held = (
        *drifts_held(drifts, run.plan.budgets, run.plan.duration_s),
        *counts_held(windows, episodes, run.plan.budgets),
        *limits_held(_hottest(series), changes, run.plan.budgets),
        *comparison_held(compared, run.plan.budgets),
    )
    verdict, reasons = verdict_of(
        held,
        is_over=is_over,
        worked=windows.complete + windows.degraded,
        left_s=(run.planned_end - material.now) / NS_PER_S,
    )
    return Soak(
        **_names(material),
        begin=run.begin,
        end=max(run.begin, end),
        planned_end=run.planned_end,
        at=material.at,
        is_over=is_over,
        verdict=verdict,
        reasons=tuple(reasons),
        held=held,
        drift=tuple(drifts),
        changes=tuple(changes),
        episodes=tuple(episodes),
        windows=windows,
        frames=_frames(material.ledger) if material.ledger else None,
        compared=compared,
        figures=dict(_figures(held, drifts)),
        plan=run.plan,
    )


def _names(material: Material) -> dict[str, Any]:
    """Which soak it is, and of what."""
    run = material.run
    own = {"soak": run.soak, "name": run.plan.name, "node": run.node, "app": run.app}
    return {**own, **material.facts._asdict()}


def _figures_of(series: Series) -> tuple[list[Drift], list[Change]]:
    """The drifts, and all steps in the order of time."""
    found = [figure_of(series, metric) for metric in METRICS]
    changes = (change for each in found for change in each.changes)
    return [each.drift for each in found if each.drift], sorted(changes, key=lambda each: each.at)


def series_up_to(material: Material, end: int) -> Series:
    """The windows of a soak up to a moment, ns on its axis."""
    slots = slots_between(material.run.begin, end, material.run.plan.duty)
    return series_of(material.windows, slots)


def _happened(material: Material) -> Iterator[Episode]:
    """Starts and clock steps within the soak."""
    run = material.run
    for each in material.axis.events():
        if run.begin <= each.end and each.begin < run.planned_end:
            yield each
    for at in run.starts:
        yield Episode(kind="restarted", begin=at, end=at, words="the work's program began anew")


def _windows(series: Series) -> Windows:
    missing = int(absent(series).sum())
    worked = series.slots.due[series.slot]
    degraded = int((series.degraded & worked).sum())
    expected = int(series.slots.due.sum())
    return Windows(
        expected=expected,
        complete=expected - missing - degraded,
        degraded=degraded,
        missing=missing,
        resting=len(series.slots) - expected,
        compared=int(series.compared.sum()),
        throttled=int((series.throttled & worked).sum()),
        frozen=int((series.frozen & worked).sum()),
    )


def _hottest(series: Series) -> float:
    temperatures = series.values("temp_c")
    known = temperatures[np.isfinite(temperatures)]
    return float(known.max()) if len(known) else float("nan")


def _compared(drifts: Sequence[Drift], earlier: Soak | None) -> Iterator[Compared]:
    before = {drift.metric: drift for drift in earlier.drift} if earlier else {}
    for drift in drifts:
        if earlier and drift.metric in before and drift.metric != "temp_c":
            yield compare(drift, before[drift.metric], earlier.soak)


def _frames(rows: Sequence[LedgerRow]) -> Frames:
    names = ("made", "stored", "dead", "lost", "spooled", "missing")
    counts = {name: sum(getattr(row, f"{name}_count") for row in rows) for name in names}
    return Frames(**counts, closed=all(row.closed for row in rows))


def _figures(held: Sequence[Held], drifts: Sequence[Drift]) -> Iterator[tuple[str, float]]:
    """Names such as `restarts`, `restarts_budget` and `drift_j_per_image_lo`."""
    for drift in drifts:
        for name, value in (("", drift.per_day), ("_lo", drift.lo), ("_hi", drift.hi)):
            if value is not None:
                yield f"drift_{drift.metric}{name}", value
        yield f"level_{drift.metric}", drift.level
    for each in held:
        yield f"{each.name}_budget", each.budget
        if each.value is not None:
            yield each.name, each.value
