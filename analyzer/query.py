"""Questions asked of what is stored: the energy of any window, and everything computed again."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from analyzer.assemble import interval_results
from analyzer.book import Book
from analyzer.desk import MINUTE_NS, Desk
from analyzer.evidence import Archive
from analyzer.meters import read_meters, with_meters
from analyzer.revisions import changes, result_id
from analyzer.sightings import boots_during
from telemetry.contract.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from telemetry.contract.documents import Result
    from telemetry.store.interface import Account, Store


class Change(NamedTuple):
    """A result that says something else than before, and the fields that differ (all, when it is new)."""

    result: Result
    fields: list[str]


async def energy_of(store: Store, node: str, begin: int, end: int) -> list[Result]:
    """The energy of a window (node time ns), a result for each power stream. Raises `UserError`."""
    if end <= begin:
        raise UserError(
            f"the window ends at {end} ns, not after its begin at {begin} ns: swap --begin and --end"
        )
    places = await store.places(node)
    if not places:
        raise UserError(f"node {node!r} has nothing in {store.url}: {await _known_nodes(store)}")
    streams = await boots_during(store, places, begin, end)
    if not streams:
        raise UserError(f"node {node!r} has no power in {store.url}: only marks, reports or letters")
    archive = Archive(store, node, [place.key for place in places])
    results: list[Result] = []
    meters = (await read_meters(store)).get(node, ())
    for stream, boots in streams.items():
        evidence = await archive.evidence(boots.spans, {}, only=stream)
        if stream == min(streams):
            evidence = await with_meters(store, meters, evidence, begin, end)
        results += interval_results(node, begin, end, evidence, overlaps=boots.overlap)
    return results


async def reanalyze(store: Store, since_ns: int, now_ns: int, *, minute_ns: int = MINUTE_NS) -> list[Change]:
    """Computes every result that ends at or after `since_ns` again; stores and returns what changed."""
    book = Book(store)
    await book.open()
    fresh: list[Result] = []
    meters = await read_meters(store)
    for node, accounts in by_node(await store.accounts()).items():
        desk = Desk(store, node, meters.get(node, ()), minute_ns=minute_ns)
        fresh += await _trials_of(desk, accounts)
        fresh += await _work_of(desk, since_ns)
    for old in list(book.results.values()):
        if old.kind == "interval" and old.end >= since_ns:
            again = await energy_of(store, old.node, old.begin, old.end)
            fresh += [result for result in again if result_id(result) == result_id(old)]
    asked = [result for result in fresh if result.end >= since_ns]
    before = await book.held(asked)
    written = await book.take(asked, "reanalyzed", now_ns)
    return [_change(result, before.get(result_id(result))) for result in written]


def by_node(accounts: Sequence[Account]) -> dict[str, list[Account]]:
    """The accounts of each node."""
    nodes: dict[str, list[Account]] = {}
    for account in accounts:
        nodes.setdefault(account.key.node, []).append(account)
    return nodes


async def _trials_of(desk: Desk, accounts: list[Account]) -> list[Result]:
    await desk.look_through(accounts, 0.0)
    results: list[Result] = []
    for trial in desk.notebook.trials():
        if trial.end is not None:
            results += (await desk.compute(trial)).results
    return results


async def _work_of(desk: Desk, since_ns: int) -> list[Result]:
    results: list[Result] = []
    minutes = desk.shift.minutes
    for begin in minutes.over(math.inf):
        if begin + minutes.length_ns >= since_ns:
            results += (await desk.shift.compute(begin, desk.meters)).results
    return results


async def _known_nodes(store: Store) -> str:
    nodes = sorted(by_node(await store.accounts()))
    return f"known nodes are {', '.join(nodes[:10])}" if nodes else "it is empty"


def _change(result: Result, old: Result | None) -> Change:
    return Change(result, changes(result, old) if old else ["new"])
