"""What `e3p doctor` finds of the store, the disks below it and below the spool, and this machine's clock."""

from __future__ import annotations

import ctypes
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path

from e3p.finding import Finding
from e3p.settings import Settings
from e3p.sizes import size_words
from e3p.times import show_time
from telemetry.contract.errors import UserError
from telemetry.contract.events import Finding as EventFinding
from telemetry.contract.events import FleetEvent
from telemetry.contract.nodetime import to_ns
from telemetry.store.events import read_events
from telemetry.store.interface import Letter, Store, StoreTooNew, StoreUnavailable
from telemetry.store.sqlite import SqliteStore
from telemetry.store.sqlite.schema import pending
from telemetry.store.upkeep import Tidy

LEAST_FREE_BYTES = 1 << 30
MIB = 1 << 20
DAY_NS = 86_400 * 1_000_000_000
EPOCH_2024_S = 1_704_067_200
UNSYNCHRONISED = 5  # TIME_ERROR of adjtimex(2)


async def examine_store(settings: Settings) -> list[Finding]:
    """Opens the store, writes a letter to it, and takes that away again; and the last day's events in it."""
    url = settings.common.store
    try:
        store = settings.store(create=False)
        if isinstance(store, SqliteStore) and (older := _older(store)):
            return [older]
        await store.open()
        try:
            held = Finding("store", url, well=True, words=await _tried(store))
            return [held, *(_told(event) for event in await _worth_telling(store))]
        finally:
            await store.close()
    except (UserError, StoreUnavailable, StoreTooNew) as error:
        return [Finding("store", url, well=False, words=str(error))]


def examine_disks(settings: Settings, *, device: bool, store: bool = True) -> list[Finding]:
    """Room below a store in a file, and on a device below the spool."""
    found = []
    with suppress(UserError):  # said by `examine_store`
        opened = settings.store(create=False) if store else None
        if isinstance(opened, SqliteStore):
            found.append(_disk("the store", opened.path, LEAST_FREE_BYTES))
    if device:
        found.append(_disk("the spool", settings.edge.spool_path(), round(settings.edge.spool_mib * MIB)))
    return found


def examine_time(now_s: float) -> Finding:
    """Whether this machine's clock can be right, and whether anything keeps it so."""
    says = show_time(to_ns(now_s))
    if now_s < EPOCH_2024_S:
        return Finding("time", "", well=False, words=f"{says} is long past: set the clock, or let NTP do it")
    kept = "not kept by NTP, as far as the kernel knows" if _unsynchronised() else "kept by NTP"
    return Finding("time", "", well=True, words=f"{says}, {kept}")


async def _worth_telling(store: Store) -> list[FleetEvent]:
    """The findings that last, beyond information, and other events of the last day."""
    now_ns = time.time_ns()
    events = await read_events(store, now_ns, since_ns=now_ns - DAY_NS)
    return [
        event
        for event in events
        if not isinstance(event, EventFinding) or (event.lasts and event.severity != "info")
    ]


def _told(event: FleetEvent) -> Finding:
    """What a person should have heard of."""
    return Finding("event", event.kind, well=False, words=f"{show_time(event.at)}: {event.words}")


async def _tried(store: Store) -> str:
    nodes = len({account.key.node for account in await store.accounts()})
    size = f"; {size_words(await store.size())}" if isinstance(store, Tidy) else ""
    test = Letter(
        key=f"doctor-{secrets.token_hex(8)}", topic="doctor", reason="doctor: a test", at=time.time_ns()
    )
    await store.bury([test])
    await store.drop_letters([test.key])
    return f"writable; holds {nodes} node{'s' * (nodes != 1)}{size}"


def _older(store: SqliteStore) -> Finding | None:
    """To open a store of an older schema would change it."""
    held, newest = pending(store.path)
    if held == newest:
        return None
    words = f"schema {held}; the next start of the server makes it {newest}: `e3p backup` it before"
    return Finding("store", store.url, well=True, words=words)


def _disk(what: str, path: Path, least_bytes: int) -> Finding:
    folder = path.absolute()
    while not folder.is_dir():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    words = f"{free / 2**30:.1f} GiB free for {what}, in {folder}"
    return Finding("disk", "", well=free >= least_bytes, words=words)


def _unsynchronised() -> bool:
    """What the kernel says when it is asked without being told anything."""
    nothing = ctypes.create_string_buffer(512)  # more than a struct timex of any machine
    try:
        return bool(ctypes.CDLL(None).adjtimex(nothing) == UNSYNCHRONISED)
    except (OSError, AttributeError):
        return True
