"""Reads what a verdict on a soak rests on from a store, and keeps the verdict there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from analyzer.reader import parts_of
from analyzer.revisions import INTERVAL, put_next
from analyzer.soak.assess import Material
from analyzer.soak.axis import Axis, Boot, axis_of
from analyzer.soak.episodes import absent, runs_of
from analyzer.soak.marked import Marked, Said, said_in, soaks_of
from analyzer.soak.series import series_of, slots_between
from analyzer.soak.windows import Minute, facts_of, results_of, windows_of, with_offsets
from telemetry.contract.documents import LedgerRow
from telemetry.contract.frames import ManifestFrame, MarksFrame, StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.ledger import ledger_row
from telemetry.contract.soak import SOAK, Soak
from telemetry.store.interface import Account, Revision, Store

DAY_NS = 86_400 * 10**9
MARGIN_NS = 120 * 10**9
"""Windows are looked for so far around each boot's share of the soak."""


class _Boots(NamedTuple):
    """A node's boots on one axis, and what the store holds of their sequences."""

    axis: Axis
    accounts: dict[StreamKey, Account]


async def find_soaks(store: Store, node: str | None = None) -> list[Marked]:
    """Every soak whose marks the store holds, of one node or of all; all marks are looked through."""
    said: list[Said] = []
    for account in await store.accounts(node):
        if account.key.stream.startswith("marks/"):
            for part in parts_of(account.stored):
                frames = [frame for _, frame in await store.frames(account.key, part)]
                said += said_in(account.key, (each for each in frames if isinstance(each, MarksFrame)))
    return soaks_of(said)


async def gather_soak(store: Store, marked: Marked, now_ns: int, earlier: Soak | None = None) -> Material:
    """All that is stored now of a soak; `now_ns` is UTC."""
    node = await _boots(store, marked)
    boots = marked.boots_of(node.axis)
    results = results_of(await _results(store, marked, boots), marked.plan)
    axis = with_offsets(node.axis, results)
    run, windows = marked.run_on(axis), windows_of(results, axis)
    series = series_of(windows, slots_between(run.begin, min(run.planned_end, now_ns), run.plan.duty))
    gaps = [(series.slots.at(first), series.slots.at(stop)) for first, stop in runs_of(absent(series), 0)]
    return Material(
        run=run,
        axis=axis,
        windows=windows,
        reports=[at for gap in gaps for at in await _reports(store, marked.node, axis, gap)],
        now=now_ns,
        at=now_ns,
        ledger=_ledger(node.accounts.values(), boots),
        earlier=earlier,
        facts=facts_of(results),
    )


async def keep(store: Store, soak: Soak) -> bool:
    """Keeps a verdict, where it says something new."""
    held = {each.id: each for each in await store.latest(SOAK, soak.node)}
    name = f"{soak.node}/{soak.soak}"
    new = Revision(kind=SOAK, id=name, revision=1, node=soak.node, doc=msgspec.json.encode(soak))
    return await put_next(store, new, held.get(name)) is not None


async def _boots(store: Store, marked: Marked) -> _Boots:
    accounts = {account.key: account for account in await store.accounts(marked.node)}
    found = []
    for key, account in accounts.items():
        if key.stream.startswith("manifest/") and account.stored and account.anchor is not None:
            boot = await _boot(store, account, account.anchor, accounts)
            if boot is not None:
                found.append(boot)
    known = {boot.name for boot in found}
    for each in marked.said:  # a boot whose manifest never came has its marks all the same
        if each.boot not in known:
            known.add(each.boot)
            anchor = next((a.anchor for k, a in accounts.items() if k.boot == each.boot and a.anchor), 0)
            found.append(Boot(each.boot, each.boot, anchor, each.t, each.t))
    return _Boots(axis_of(found), accounts)


async def _boot(
    store: Store, account: Account, anchor: int, accounts: dict[StreamKey, Account]
) -> Boot | None:
    """A boot by its first manifest and the last thing that it told of its health or its work."""
    (first, _), *_ = account.stored.ranges
    frames = [frame for _, frame in await store.frames(account.key, IntervalSet([(first, first)]))]
    if not frames or not isinstance(frames[0], ManifestFrame):
        return None
    end = frames[0].t0
    for key, other in accounts.items():
        if key.boot == account.key.boot and other.stored:
            last = other.stored.ranges[-1][1]
            newest = await store.frames(key, IntervalSet([(last, last)]))
            end = max([end, *(frame.t0 for _, frame in newest)])
    return Boot(account.key.boot, frames[0].os_boot, anchor, frames[0].t0, end)


async def _results(store: Store, marked: Marked, boots: Sequence[Boot]) -> list[Minute]:
    """The minutes of the soak's application in these boots, each once; read day by day."""
    found: dict[str, Minute] = {}
    for boot in boots:
        begin, end = boot.anchor + boot.begin - MARGIN_NS, boot.anchor + boot.end + MARGIN_NS
        for day in range(begin, end, DAY_NS):
            for revision in await store.during(INTERVAL, day, min(day + DAY_NS, end), marked.node):
                minute = msgspec.json.decode(revision.doc, type=Minute)
                if minute.app == marked.plan.app:
                    found[revision.id] = minute
    return list(found.values())


async def _reports(store: Store, node: str, axis: Axis, gap: tuple[int, int]) -> list[int]:
    """When the node told how it fares in a stretch without windows, on the axis."""
    told = []
    for boot in axis.boots:
        shift = axis.place(boot.name, 0)
        key = StreamKey(node, boot.name, "health/agent")
        frames = await store.covering(key, gap[0] - shift, gap[1] - shift)
        told += [shift + frame.t0 for frame in frames]
    return told


def _ledger(accounts: Iterable[Account], boots: Sequence[Boot]) -> list[LedgerRow]:
    names = {boot.name for boot in boots}
    return [ledger_row(account) for account in accounts if account.key.boot in names]
