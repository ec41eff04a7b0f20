"""The roll of the fleet: what store and broker know of each node, without those that were forgotten."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from telemetry.contract.documents import Farewell
from telemetry.contract.frames import ClockFrame, Frame, ManifestFrame
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.ledger import ledger_row
from telemetry.contract.replies import State
from telemetry.store.events import read_lasting
from telemetry.store.interface import Account, Revision, Store

KIND = "forgotten"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One node. Times are node time ns, `clock_ms` what its clock lacks of the collector's UTC.

    What nobody told is None: `state` where the broker has none or was not asked, the rest where the store has
    no report, manifest or answered ping of the node's newest boot. `findings` are the kinds of what lasts.
    """

    node: str
    state: str | None = None
    device: str | None = None
    last_seen: int | None = None
    boots: int = 0
    made: int = 0
    spooled: int = 0
    missing: int = 0
    clock_ms: float | None = None
    software: str | None = None
    findings: tuple[str, ...] = ()


async def read_roll(store: Store, states: Mapping[str, State], now_ns: int) -> list[Entry]:
    """Every node of the store and of the broker's retained `states`, by name; the forgotten are left out."""
    by_node: defaultdict[str, list[Account]] = defaultdict(list)
    for account in await store.accounts():
        by_node[account.key.node].append(account)
    gone = {revision.id: farewell_of(revision) for revision in await store.latest(KIND)}
    lasting: defaultdict[str | None, list[str]] = defaultdict(list)
    for finding in await read_lasting(store, now_ns):
        lasting[finding.node].append(finding.kind)
    entries = [
        replace(
            await _entry(store, node, by_node[node], states.get(node)),
            findings=tuple(dict.fromkeys(lasting[node])),
        )
        for node in sorted({*by_node, *states})
    ]
    return [entry for entry in entries if not _is_gone(entry, gone.get(entry.node))]


async def forget(store: Store, entry: Entry, now_ns: int) -> None:
    """Takes a node off the roll, until it makes another frame. What is stored of it stays."""
    held = {revision.id: revision.revision for revision in await store.latest(KIND)}
    said = Farewell(node=entry.node, made=entry.made, at=now_ns)
    number = held.get(entry.node, 0) + 1
    doc = msgspec.json.encode(said)
    await store.put([Revision(kind=KIND, id=entry.node, revision=number, node=entry.node, doc=doc)])


def farewell_of(revision: Revision) -> Farewell:
    """The word that a stored document is."""
    return msgspec.json.decode(revision.doc, type=Farewell)


def _is_gone(entry: Entry, farewell: Farewell | None) -> bool:
    return farewell is not None and entry.state is None and entry.made <= farewell.made


async def _entry(store: Store, node: str, accounts: Sequence[Account], state: State | None) -> Entry:
    rows = [ledger_row(account) for account in accounts]
    boot = _newest_boot(accounts)
    manifest = await _last(store, accounts, boot, "manifest/")
    clock = await _last(store, accounts, boot, "clock/")
    told = manifest if isinstance(manifest, ManifestFrame) else None
    return Entry(
        node=node,
        state=state.state if state else None,
        device=told.device.kind if told else None,
        last_seen=max((row.as_of for row in rows if row.as_of is not None), default=None),
        boots=len({account.key.boot for account in accounts}),
        made=sum(row.made_count for row in rows),
        spooled=sum(row.spooled_count for row in rows),
        missing=sum(row.missing_count for row in rows),
        clock_ms=_lacks_ms(clock) if isinstance(clock, ClockFrame) else None,
        software=state.software if state else (told.software if told else None),
    )


def _newest_boot(accounts: Sequence[Account]) -> str | None:
    """A boot that is over is reported on by the next one too, and final then."""
    told = [(not a.report.health.final, a.report.as_of, a.key.boot) for a in accounts if a.report]
    return max(told)[2] if told else None


async def _last(store: Store, accounts: Sequence[Account], boot: str | None, kind: str) -> Frame | None:
    """The last frame of a kind in a boot."""
    for account in accounts:
        if account.key.boot == boot and account.key.stream.startswith(kind) and account.stored:
            frames = await store.frames(account.key, IntervalSet.of([account.stored.ranges[-1][1]]))
            return frames[0][1] if frames else None
    return None


def _lacks_ms(frame: ClockFrame) -> float | None:
    """By the exchange that took least, which is hit least by the network."""
    if not frame.exchanges:
        return None
    best = min(frame.exchanges, key=lambda each: (each.t4 - each.t1) - (each.t3 - each.t2))
    behind_ns = (best.t2 - best.t1 + best.t3 - best.t4) // 2 - frame.anchor
    return behind_ns / 1e6
