"""Dead letters are kept once, whole up to a size, and count as dead until they are settled."""

from __future__ import annotations

import pytest

from telemetry.contract.intervals import IntervalSet
from telemetry.store.interface import Store
from tests.contracts.store.builders import (
    POWER,
    account,
    letter,
    power,
)

pytestmark = pytest.mark.anyio


async def test_letters_come_back_oldest_first(store: Store) -> None:
    whole = letter("b", at=1, stream=POWER, seq=3)
    await store.bury([letter("a", at=2), whole])
    assert await store.letters() == [whole, letter("a", at=2)]


async def test_a_letter_buried_again_is_the_same_letter(store: Store) -> None:
    await store.bury([letter("a", at=1), letter("a", at=2)])
    await store.bury([letter("a", at=3)])
    assert await store.letters() == [letter("a", at=1)]


async def test_letters_can_be_asked_for_by_key(store: Store) -> None:
    await store.bury([letter(key, at=at) for at, key in enumerate("abc")])
    assert [each.key for each in await store.letters(["c", "a", "x", "a"])] == ["a", "c"]


async def test_letters_can_be_listed_without_their_bodies(store: Store) -> None:
    await store.bury([letter("a")])
    assert await store.letters(bodies=False) == [letter("a", body=None)]


async def test_above_its_limit_the_store_keeps_letters_without_bodies(store: Store) -> None:
    await store.bury([letter("a", body=b"x" * 600), letter("b", body=b"y" * 600), letter("c", body=b"z")])
    assert [each.body for each in await store.letters()] == [b"x" * 600, None, b"z"]


async def test_dropped_letters_make_room_for_bodies(store: Store) -> None:
    await store.bury([letter("a", body=b"x" * 600)])
    await store.drop_letters(["a", "unknown"])
    await store.bury([letter("b", body=b"y" * 600)])
    assert await store.letters() == [letter("b", body=b"y" * 600)]


async def test_a_letter_with_an_address_counts_as_dead(store: Store) -> None:
    await store.write([power(0)])
    await store.bury([letter("a", stream=POWER, seq=1), letter("b", stream=POWER, seq=2), letter("c")])
    held = await account(store)
    assert (held.stored, held.dead) == (IntervalSet([(0, 0)]), IntervalSet([(1, 2)]))


async def test_a_sequence_known_by_letters_only_has_an_account(store: Store) -> None:
    await store.bury([letter("a", stream=POWER, seq=4), letter("b", stream=POWER, seq=4)])
    held = await account(store)
    assert (held.anchor, held.stored, held.dead) == (None, IntervalSet(), IntervalSet([(4, 4)]))


async def test_a_dropped_letter_is_no_longer_dead(store: Store) -> None:
    await store.bury([letter("a", stream=POWER, seq=4)])
    await store.drop_letters(["a"])
    assert await store.accounts() == []


async def test_a_stored_frame_is_no_longer_dead(store: Store) -> None:
    await store.bury([letter("a", stream=POWER, seq=0)])
    await store.write([power(0)])
    held = await account(store)
    assert (held.stored, held.dead) == (IntervalSet([(0, 0)]), IntervalSet())


async def test_a_letter_for_a_stored_frame_is_listed_and_not_dead(store: Store) -> None:
    await store.write([power(0)])
    await store.bury([letter("a", stream=POWER, seq=0)])
    assert not (await account(store)).dead
    assert len(await store.letters()) == 1
