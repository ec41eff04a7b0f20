"""A backup holds all that a store holds, whichever store it is, and a restored one is the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from telemetry.contract.errors import UserError
from telemetry.contract.intervals import IntervalSet
from telemetry.store.backup import back_up, restore
from telemetry.store.books import read_ledger
from telemetry.store.interface import Store
from tests.contracts.store.builders import (
    ANCHOR,
    MARKS,
    POWER,
    S,
    came,
    empty,
    health,
    letter,
    power,
    revision,
    word,
)

pytestmark = pytest.mark.anyio

Maker = Callable[..., Store]
NOW_S = 1_750_000_000.0


def silent(_: float) -> None:
    pass


async def filled(store: Store) -> Store:
    """Frames with a hole, one without samples, one of 1970; letters; documents with awkward texts."""
    await store.open()
    await store.write([*(power(seq) for seq in range(12) if seq != 7), empty(12), power(13, missed=2)])
    await store.write([power(0, key=POWER._replace(boot="b0"), anchor=5 * S)])
    await store.write([health(0, word(14, lost=((7, 7, 4),)))])
    await store.bury([letter("k1"), letter("k2", at=5, body=b'\0\xff"\\'), letter("k3", stream=MARKS, seq=3)])
    await store.drop_letters(["k1"])
    awkward = b'{"j": 1.0, "n": 3, "on": true, "words": "a \\"b\\" = c, d\\n"}'
    await store.put(
        [revision(1), revision(2, doc=awkward), revision(1, kind="ranking", id="a b,c=d", node=None)]
    )
    await store.close()
    return store


async def told(store: Store) -> dict[str, Any]:
    """All that a store says of what it holds."""
    await store.open()
    accounts = await store.accounts()
    found = {
        "ledger": await read_ledger(store),
        "frames": [await store.frames(account.key, account.stored) for account in accounts],
        "covering": await store.covering(POWER, 3 * S, 6 * S),
        "letters": await store.letters(),
        "history": [
            await store.history(kind, id_) for kind, id_ in (("result", "trial-1"), ("ranking", "a b,c=d"))
        ],
    }
    await store.close()
    return found


@pytest.fixture
async def original(make: Maker) -> Store:
    return await filled(make())


async def test_a_restored_store_says_the_same_of_all_that_it_holds(
    original: Store, make_other: Maker, tmp_path: Path
) -> None:
    made = await back_up(original, tmp_path / "backup", NOW_S, silent)
    assert made.holds == {"frames": 15, "letters": 2, "documents": 3}
    again = make_other()
    await restore(tmp_path / "backup", again, force=False)
    assert await told(again) == await told(original)


async def test_a_backup_may_lie_in_a_folder_of_any_name(
    original: Store, make_other: Maker, tmp_path: Path
) -> None:
    folder = tmp_path / "50%20 #1?mode=rw"
    await back_up(original, folder, NOW_S, silent)
    again = make_other()
    await restore(folder, again, force=False)
    assert await told(again) == await told(original)


async def test_a_backup_of_a_restored_store_is_that_of_the_first(
    original: Store, make_other: Maker, tmp_path: Path
) -> None:
    await back_up(original, tmp_path / "one", NOW_S, silent)
    await restore(tmp_path / "one", make_other(), force=False)
    again = await back_up(make_other(), tmp_path / "two", NOW_S, silent)
    third = make_other()
    await restore(tmp_path / "two", third, force=True)
    assert again.holds == {"frames": 15, "letters": 2, "documents": 3}
    assert await told(third) == await told(original)


async def test_a_restored_store_knows_what_it_has_and_takes_what_is_new(
    original: Store, make_other: Maker, tmp_path: Path
) -> None:
    await back_up(original, tmp_path / "backup", NOW_S, silent)
    again = make_other()
    await restore(tmp_path / "backup", again, force=False)
    await again.open()
    outcomes = await again.write([power(3), power(3, missed=1), power(20), power(4, anchor=ANCHOR + 1)])
    assert [str(outcome) for outcome in outcomes] == [
        "Verdict.REPEAT", "Verdict.CONFLICT", "Verdict.STORED", "Verdict.ANCHOR"
    ]  # fmt: skip
    (account,) = [each for each in await again.accounts() if each.key == POWER]
    assert account.stored == IntervalSet([(0, 6), (8, 13), (20, 20)])
    await again.close()


async def test_a_store_that_holds_something_is_replaced_only_by_force(
    original: Store, make_other: Maker, tmp_path: Path
) -> None:
    await back_up(original, tmp_path / "backup", NOW_S, silent)
    other = make_other()
    await other.open()
    await other.write([power(90, key=POWER._replace(node="stranger"))])
    await other.put([revision(1, id="strange")])
    await other.close()
    with pytest.raises(UserError, match="--force"):
        await restore(tmp_path / "backup", make_other(), force=False)
    await restore(tmp_path / "backup", make_other(), force=True)
    assert await told(make_other(create=False)) == await told(original)
    other = make_other()
    await other.open()
    assert {account.key.node for account in await other.accounts()} == {"tx2"}
    assert await other.history("result", "strange") == []
    await other.close()


async def test_a_store_that_was_never_there_has_no_backup(make: Maker, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no store here"):
        await back_up(make(create=False), tmp_path / "backup", NOW_S, silent)
    assert not (tmp_path / "backup").exists()


async def test_frames_that_came_as_they_are_stay_as_they_came(
    make: Maker, make_other: Maker, tmp_path: Path
) -> None:
    store, other = make(), make_other()
    await store.open()
    frames = [power(seq) for seq in range(3)]
    await store.write(frames)
    await store.close()
    await back_up(store, tmp_path / "backup", NOW_S, silent)
    await restore(tmp_path / "backup", other, force=False)
    await other.open()
    assert [came(POWER, frame) for _, frame in await other.frames(POWER, IntervalSet.below(3))] == frames
    await other.close()
