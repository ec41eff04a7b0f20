"""What a disturbed line came to, held against what its agents made and against an undisturbed run of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from telemetry.contract.decode import Received, receive
from telemetry.contract.documents import LedgerRow
from telemetry.contract.frames import Frame, PowerFrame
from telemetry.store.books import read_ledger
from telemetry.store.interface import Store
from tests.faults.calm import undisturbed
from tests.faults.scene import Scene
from tests.faults.tap import Key, Made

Place = tuple[str, Key]
"""A frame in a fleet: its node, and its key there."""


class Stored(NamedTuple):
    """What a store gives back: every frame by its place, as often as it comes, and the ledger."""

    frames: dict[Place, list[Frame]]
    rows: list[LedgerRow]


class Account(NamedTuple):
    """What became of the frames that were made. `named`: not stored, but told by the ledger.

    `faults` are all that is wrong, in words.
    """

    made: int
    stored: int
    lost: int
    named: int
    doubled: int
    results: int
    faults: list[str]


async def judge(scene: Scene) -> Account:
    """To be asked when every agent has ended in order."""
    offered = {(device.name, made.key): made for device in scene.devices for made in device.made()}
    committed = {(device.name, key) for device in scene.devices for key in device.tap.committed}
    async with scene.shelf.opened(scene.store) as store:
        held = await read(store)
    truth = {place: _frame(place[0], offered[place]) for place in held.frames if place in offered}
    gone = committed - held.frames.keys()
    named = {place for row in held.rows for place in _places(row, (*row.lost, *row.dead))}
    kept = [offered[place] for place in offered if place in held.frames]
    results, differences = await undisturbed(scene, kept, may_lack=bool(gone & named))
    return Account(
        made=len(committed | held.frames.keys()),
        stored=len(held.frames),
        lost=len(gone - named),
        named=len(gone & named),
        doubled=sum(len(frames) - 1 for frames in held.frames.values()) + _samples_off(held, truth),
        results=results,
        faults=[*_faults(held, offered.keys(), truth), *differences],
    )


async def read(store: Store) -> Stored:
    """All that a store holds."""
    frames: dict[Place, list[Frame]] = {}
    for account in await store.accounts():
        node, boot, stream = account.key
        for seq, frame in await store.frames(account.key, account.stored):
            frames.setdefault((node, Key(boot, stream, seq)), []).append(frame)
    return Stored(frames, await read_ledger(store))


def _frame(node: str, made: Made) -> Frame:
    received = receive(f"e3p/v1/{node}/{made.stream}", made.body)
    assert isinstance(received, Received)
    return received.frame


def _faults(held: Stored, offered: Iterable[Place], truth: dict[Place, Frame]) -> Iterator[str]:
    for place in held.frames.keys() - set(offered):
        yield f"stored and never made: {place}"
    for place, frame in truth.items():
        if any(each != frame for each in held.frames[place]):
            yield f"stored with another body: {place}"
    for row in held.rows:
        if row.missing or row.spooled or (row.ticks_off and not row.lost):
            yield f"the ledger does not close: {row}"


def _places(row: LedgerRow, ranges: Iterable[list[int]]) -> set[Place]:
    seqs = (seq for first, last in ranges for seq in range(first, last + 1))
    return {(row.node, Key(row.boot, row.stream, seq)) for seq in seqs}


def _samples_off(held: Stored, truth: dict[Place, Frame]) -> int:
    """Samples that the store counts and the frames do not have: those of a frame that is in there twice."""
    counted = sum(row.samples + row.missed_ticks for row in held.rows if row.stream.startswith("power/"))
    frames = [frame for frame in truth.values() if isinstance(frame, PowerFrame)]
    return int(counted - sum(frame.samples + frame.missed for frame in frames))
