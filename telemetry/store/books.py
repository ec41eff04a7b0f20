"""The whole ledger as a store holds it: every sequence's account, with the ends that trials named."""

from __future__ import annotations

from telemetry.contract.documents import LedgerRow
from telemetry.contract.errors import UserError
from telemetry.contract.frames import StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.ledger import ledger_row, power_ends
from telemetry.store.interface import Account, Store


async def read_ledger(store: Store, node: str | None = None) -> list[LedgerRow]:
    """A row for each sequence of one node, or of all, by key. Raises `UserError` for an unknown node."""
    accounts = {account.key: account for account in await store.accounts(node)}
    if node is not None and not accounts:
        known = sorted({account.key.node for account in await store.accounts()})
        words = f"known nodes are {', '.join(known[:10])}" if known else "the store is empty"
        raise UserError(f"node {node!r} is not in {store.url}: {words}")
    ends = await _ends(store, accounts)
    for key in ends.keys() - accounts.keys():  # nothing of it came, and yet a trial's end tells of it
        accounts[key] = Account(key=key, anchor=None, stored=IntervalSet(), dead=IntervalSet())
    return [ledger_row(account, ends.get(key, ())) for key, account in sorted(accounts.items())]


async def _ends(store: Store, accounts: dict[StreamKey, Account]) -> dict[StreamKey, list[int]]:
    """The last frames that the trial ends of each boot named, by the power stream they speak of."""
    ends: dict[StreamKey, list[int]] = {}
    for key, account in accounts.items():
        if key.stream.startswith("marks/"):
            frames = await store.frames(key, account.stored)
            for stream, seq in power_ends(frame for _, frame in frames).items():
                ends.setdefault(StreamKey(key.node, key.boot, stream), []).append(seq)
    return ends
