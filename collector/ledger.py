"""The ledger of everything a store holds: one row for each sequence of frames."""

from __future__ import annotations

from telemetry.contract.documents import LedgerRow
from telemetry.contract.frames import StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.ledger import ledger_row, power_ends
from telemetry.store.interface import Account, Store

MARKS = "marks/"

Ends = dict[StreamKey, int]


async def read_ledger(store: Store, node: str | None = None) -> list[LedgerRow]:
    """The rows of one node or of all, by node, boot and stream; the ledger closes when every row does."""
    accounts = {account.key: account for account in await store.accounts(node)}
    ends = await trial_ends(store, list(accounts.values()))
    for key in ends:
        empty = Account(key=key, anchor=None, stored=IntervalSet(), dead=IntervalSet())
        accounts.setdefault(key, empty)
    return [ledger_row(accounts[key], [ends[key]] if key in ends else []) for key in sorted(accounts)]


async def trial_ends(store: Store, accounts: list[Account]) -> Ends:
    """The seq that each power stream must have reached, by the trial ends among the stored marks."""
    ends: Ends = {}
    for account in accounts:
        if account.key.stream.startswith(MARKS):
            frames = await store.frames(account.key, account.stored)
            for stream, seq in power_ends(frame for _, frame in frames).items():
                key = account.key._replace(stream=stream)
                ends[key] = max(seq, ends.get(key, 0))
    return ends
