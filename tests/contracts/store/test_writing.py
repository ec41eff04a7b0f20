"""A frame is stored once, by its key, and its boot keeps its anchor."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from telemetry.contract.decode import Received, receive
from telemetry.contract.encode import encode
from telemetry.contract.intervals import IntervalSet
from telemetry.store.interface import Store, Verdict
from tests.contracts.store.builders import (
    ANCHOR,
    POWER,
    account,
    power,
)

pytestmark = pytest.mark.anyio


async def test_a_new_frame_is_stored(store: Store) -> None:
    assert await store.write([power(0), power(1)]) == [Verdict.STORED, Verdict.STORED]


async def test_an_empty_batch_has_no_verdicts(store: Store) -> None:
    assert await store.write([]) == []


async def test_the_same_frame_again_is_a_repeat(store: Store) -> None:
    await store.write([power(0)])
    assert await store.write([power(0)]) == [Verdict.REPEAT]


async def test_the_same_frame_twice_in_one_batch_is_a_repeat(store: Store) -> None:
    assert await store.write([power(0), power(0)]) == [Verdict.STORED, Verdict.REPEAT]


async def test_the_same_frame_in_the_other_encoding_is_a_repeat(store: Store) -> None:
    await store.write([power(0)])
    again = receive("e3p/v1/tx2/power/main", encode(power(0).frame, "json"))
    assert isinstance(again, Received)
    assert await store.write([again]) == [Verdict.REPEAT]


async def test_another_body_for_a_key_is_a_conflict(store: Store) -> None:
    await store.write([power(0)])
    assert await store.write([power(0, missed=1), power(1)]) == [Verdict.CONFLICT, Verdict.STORED]


async def test_another_body_in_one_batch_is_a_conflict(store: Store) -> None:
    assert await store.write([power(0), power(0, missed=1)]) == [Verdict.STORED, Verdict.CONFLICT]


async def test_a_stored_key_keeps_its_body(store: Store) -> None:
    await store.write([power(0)])
    await store.write([power(0, missed=1)])
    assert await store.frames(POWER, IntervalSet.below(9)) == [(0, power(0).frame)]


async def test_another_anchor_in_one_boot_is_refused(store: Store) -> None:
    await store.write([power(0)])
    assert await store.write([power(1, anchor=ANCHOR + 1)]) == [Verdict.ANCHOR]


async def test_a_boot_has_one_anchor_over_all_its_streams(store: Store) -> None:
    other = POWER._replace(stream="power/meter")
    written = await store.write([power(0), power(0, key=other, anchor=ANCHOR + 1)])
    assert written == [Verdict.STORED, Verdict.ANCHOR]


async def test_a_boot_of_another_node_has_an_anchor_of_its_own(store: Store) -> None:
    other = POWER._replace(node="nano")
    written = await store.write([power(0), power(0, key=other, anchor=ANCHOR + 1)])
    assert written == [Verdict.STORED, Verdict.STORED]


async def test_a_refused_frame_leaves_nothing(store: Store) -> None:
    other = POWER._replace(stream="power/meter")
    await store.write([power(0)])
    await store.write([power(0, key=other, anchor=ANCHOR + 1)])
    assert [each.key for each in await store.accounts()] == [POWER]


async def test_what_was_written_is_there_after_opening_again(make: Callable[[], Store], store: Store) -> None:
    await store.write([power(0)])
    await store.close()
    again = make()
    await again.open()
    try:
        assert await again.frames(POWER, IntervalSet.below(9)) == [(0, power(0).frame)]
    finally:
        await again.close()


async def test_a_second_store_on_the_same_url_sees_what_the_first_wrote(
    make: Callable[[], Store], store: Store
) -> None:
    second = make()
    await second.open()
    try:
        await store.write([power(0)])
        assert await second.write([power(0), power(1)]) == [Verdict.REPEAT, Verdict.STORED]
        assert (await account(store)).stored == IntervalSet([(0, 1)])
    finally:
        await second.close()


async def test_closing_twice_is_closing_once(store: Store) -> None:
    await store.close()
    await store.close()
