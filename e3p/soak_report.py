"""The verdicts of soaks, from a store to a terminal or a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from analyzer.soak.assess import Material, assess, series_up_to
from analyzer.soak.marked import Marked
from analyzer.soak.records import find_soaks, gather_soak, keep
from e3p.output import answer, print_table
from telemetry.contract.errors import UserError
from telemetry.contract.soak import Drift, Soak
from telemetry.store.interface import Store
from view.numbers import moment, number

MOST_NAMED = 8


class Asked(NamedTuple):
    """Which soaks: by the name of a plan or of a soak, of one node or of all; and what to compare with."""

    name: str | None
    node: str | None
    compare: str | None


class Judged(NamedTuple):
    """A verdict, and all that it rests on."""

    soak: Soak
    material: Material


async def verdicts_of(store: Store, asked: Asked, now_ns: int) -> list[Judged]:
    """The newest soak that is asked for of each node, judged by what is stored now, and kept.

    Raises:
        UserError: there is no such soak.
    """
    soaks = await find_soaks(store, await _known_node(store, asked.node))
    judged = []
    for marked in _chosen(soaks, asked, store.url):
        earlier = await _earlier(store, soaks, marked, asked.compare, now_ns)
        material = await gather_soak(store, marked, now_ns, earlier)
        soak = assess(material)
        await keep(store, soak)
        judged.append(Judged(soak, material))
    return judged


def print_verdict(soak: Soak) -> None:
    """One verdict as tables that fit a terminal and a log."""
    answer(f"{soak.soak} on {soak.node}: {soak.verdict.upper()}")
    for words in soak.reasons:
        answer(f"  {words}")
    windows = soak.windows
    answer(f"\n{moment(soak.begin)} to {moment(soak.end)}, {soak.model or soak.app}")
    answer(
        f"{windows.expected} windows were due: {windows.complete} complete, {windows.degraded} degraded, "
        f"{windows.missing} missing; {windows.resting} were not due, {windows.compared} are compared"
    )
    if soak.frames:
        frames = soak.frames
        closed = "closes" if frames.closed else "does not close"
        answer(
            f"the ledger {closed}: {frames.made:,} frames made, {frames.lost} lost, {frames.missing} missing"
        )
    answer("")
    print_table(("budget", "verdict", "found"), [(h.name, h.verdict, h.words) for h in soak.held], wrap=True)
    if soak.drift:
        answer("")
        head = ("drift of", "middle", "a day", "95 %", "unit")
        print_table(head, [_drift_row(drift) for drift in soak.drift])
    if soak.changes:
        answer("")
        rows = [(c.metric, moment(c.at), f"{c.step:+.2f}", c.unit) for c in soak.changes]
        print_table(("change of", "at", "step", "unit"), rows)
    if soak.episodes:
        answer("")
        told = [(e.kind, moment(e.begin), moment(e.end), e.words) for e in soak.episodes]
        print_table(("episode", "begin", "end", "what"), told, wrap=True)
    for each in soak.compared:
        answer(f"{each.metric}: {each.percent:+.2f} % ({each.lo:+.2f} to {each.hi:+.2f}) against {each.soak}")


def write_page(judged: Sequence[Judged], path: Path) -> None:
    """Writes the page of these verdicts. Raises `UserError`."""
    from view.render import render
    from view.soak import courses_of, soak_page

    shown = [(each.soak, courses_of(series_up_to(each.material, each.soak.end))) for each in judged]
    page = soak_page(shown, max(each.soak.at for each in judged))
    try:
        path.write_text(render(page, "soak.html.j2"), encoding="utf-8")
    except OSError as error:
        raise UserError(f"--html {path}: {error.strerror}: name a file in a folder that exists") from None


def _drift_row(drift: Drift) -> tuple[str, str, str, str, str]:
    lo = "no limit" if drift.lo is None else f"{drift.lo:+.3g}"
    hi = "no limit" if drift.hi is None else f"{drift.hi:+.3g}"
    middle = f"{number(drift.level)} {drift.level_unit}"
    return drift.metric, middle, f"{drift.per_day:+.3g}", f"{lo} to {hi}", drift.unit


async def _known_node(store: Store, node: str | None) -> str | None:
    if node is not None and not await store.places(node):
        raise UserError(f"--node {node}: the store {store.url} has nothing of it")
    return node


def _chosen(soaks: Sequence[Marked], asked: Asked, url: str) -> list[Marked]:
    """The newest of each node that fits the name; without a name the newest of all."""
    if not soaks:
        raise UserError(f"there is no soak in {url}: `e3p soak run PLAN` on a device makes one")
    fits = [each for each in soaks if asked.name in (None, each.soak, each.plan.name)]
    if not fits:
        names = ", ".join(sorted({each.plan.name for each in soaks})[:MOST_NAMED])
        raise UserError(f"there is no soak {asked.name!r} in {url}; there are {names}")
    newest: dict[str, Marked] = {}
    for each in sorted(fits, key=lambda marked: marked.began):
        newest[each.node] = each
    if asked.name is None:
        return [max(newest.values(), key=lambda marked: marked.began)]
    return [newest[node] for node in sorted(newest)]


async def _earlier(
    store: Store, soaks: Sequence[Marked], marked: Marked, compare: str | None, now_ns: int
) -> Soak | None:
    """The soak to compare with: the one that is named, else the one before it of the same plan and node."""
    wanted = compare or marked.plan.name
    before = [
        each
        for each in soaks
        if each.node == marked.node and each.began < marked.began and wanted in (each.soak, each.plan.name)
    ]
    if not before:
        if compare:
            raise UserError(f"--compare {compare}: {marked.node} has no earlier soak of this name")
        return None
    newest = max(before, key=lambda each: each.began)
    return assess(await gather_soak(store, newest, now_ns))
