"""What is held, read from the frames themselves, beside the node's own word."""

from __future__ import annotations

import pytest

from telemetry.contract.frames import StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.store.interface import Store
from tests.contracts.store.builders import (
    ANCHOR,
    POWER,
    S,
    account,
    empty,
    health,
    letter,
    power,
    word,
)

pytestmark = pytest.mark.anyio


async def test_an_empty_store_has_no_accounts(store: Store) -> None:
    assert await store.accounts() == []


async def test_stored_numbers_are_ranges_with_their_holes(store: Store) -> None:
    await store.write([power(seq) for seq in (0, 1, 2, 5, 7, 8)])
    assert (await account(store)).stored == IntervalSet([(0, 2), (5, 5), (7, 8)])


async def test_a_large_number_is_kept_exactly(store: Store) -> None:
    last = 2**53 - 1
    await store.write([power(last, t0=0, first=0)])
    assert (await account(store)).stored == IntervalSet([(last, last)])


async def test_samples_and_missed_ticks_add_up(store: Store) -> None:
    await store.write([power(0), empty(1), power(2, missed=3)])
    held = await account(store)
    assert (held.samples, held.missed) == (8, 7)


async def test_a_repeat_adds_nothing(store: Store) -> None:
    await store.write([power(0)])
    await store.write([power(0)])
    assert (await account(store)).samples == 4


async def test_absurd_counts_add_up_all_the_same(store: Store) -> None:
    await store.write([power(seq, missed=2**63 - 1) for seq in range(3)])
    assert (await account(store)).missed == 3 * (2**63 - 1)


async def test_an_account_names_its_anchor(store: Store) -> None:
    await store.write([power(0)])
    assert (await account(store)).anchor == ANCHOR


async def test_accounts_of_one_node_leave_out_the_others(store: Store) -> None:
    other = POWER._replace(node="nano")
    await store.write([power(0), power(0, key=other)])
    await store.bury([letter("k", stream=StreamKey("pi", "b", "power/main"), seq=0)])
    assert [each.key for each in await store.accounts("nano")] == [other]
    assert await store.accounts("nobody") == []


async def test_accounts_come_by_key(store: Store) -> None:
    keys = [POWER._replace(node=node) for node in ("c", "a", "b")]
    await store.write([power(0, key=key) for key in keys])
    assert [each.key.node for each in await store.accounts()] == ["a", "b", "c"]


async def test_a_health_frame_is_the_report_of_the_streams_it_names(store: Store) -> None:
    await store.write([power(0), health(3, word(7))])
    report = (await account(store)).report
    assert report is not None
    assert (report.node, report.as_of, report.health) == ("tx2", ANCHOR + 3 * S, word(7))


async def test_a_stream_known_by_a_report_only_has_an_account(store: Store) -> None:
    await store.write([health(0, word(7, boot="b0"))])
    held = await account(store, POWER._replace(boot="b0"))
    assert (held.anchor, held.stored, held.report is None) == (None, IntervalSet(), False)


async def test_the_newest_report_wins_in_any_order(store: Store) -> None:
    await store.write([health(2, word(20))])
    await store.write([health(1, word(10))])
    report = (await account(store)).report
    assert report is not None
    assert report.health.next_seq == 20


async def test_what_was_ever_declared_lost_stays_lost(store: Store) -> None:
    await store.write([health(1, word(10, lost=((2, 3, 8),))), health(2, word(20, lost=((7, 7, 4),)))])
    report = (await account(store)).report
    assert report is not None
    assert report.health.declared_lost == ((2, 3, 8), (7, 7, 4))


async def test_a_declaration_that_grew_counts_once(store: Store) -> None:
    await store.write([health(2, word(20, lost=((2, 9, 32),))), health(1, word(10, lost=((2, 3, 8),)))])
    report = (await account(store)).report
    assert report is not None
    assert report.health.declared_lost == ((2, 9, 32),)


async def test_a_repeated_health_frame_changes_no_report(store: Store) -> None:
    await store.write([health(1, word(10)), health(2, word(20)), health(1, word(10))])
    report = (await account(store)).report
    assert report is not None
    assert report.health.next_seq == 20


async def test_a_conflicting_health_frame_changes_no_report(store: Store) -> None:
    await store.write([health(1, word(10)), health(1, word(99), t0=2 * S)])
    report = (await account(store)).report
    assert report is not None
    assert report.health.next_seq == 10


async def test_a_later_boot_speaks_for_an_earlier_one(store: Store) -> None:
    await store.write([health(0, word(10)), health(0, word(12, final=True), boot="b2", t0=60 * S)])
    report = (await account(store)).report
    assert report is not None
    assert report.health == word(12, final=True)


async def test_places_are_the_accounts_without_their_counts(store: Store) -> None:
    await store.write([power(0), power(2), health(0, word(3))])
    told = {place.key: (place.anchor, place.report) for place in await store.places(POWER.node)}
    assert told == {held.key: (held.anchor, held.report) for held in await store.accounts(POWER.node)}


async def test_an_unknown_node_has_no_places(store: Store) -> None:
    await store.write([power(0)])
    assert await store.places("another") == []
