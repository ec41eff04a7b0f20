from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from analyzer.book import Book
from analyzer.exclusions import exclude, include, read_exclusions
from analyzer.scoring import Score
from analyzer.standings import Standings
from telemetry.contract.errors import UserError
from telemetry.store.sqlite import SqliteStore
from tests.unit.ranking.made import trial, trials

pytestmark = pytest.mark.anyio


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "e3p.db")
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def book(store: SqliteStore) -> Book:
    book = Book(store)
    await book.open()
    await book.take([*trials("a", [1000.0, 1010.0]), trial("b", 0, 9000.0)], "complete", 1)
    return book


async def test_an_excluded_trial_has_its_reason(store: SqliteStore, book: Book) -> None:
    assert await exclude(store, "b-0", "the fan was off", 5) == "b-0"
    assert await read_exclusions(store) == {"b-0": "the fan was off"}


async def test_the_beginning_of_an_id_is_enough_where_it_is_one_trials(
    store: SqliteStore, book: Book
) -> None:
    assert await exclude(store, "b", "why", 5) == "b-0"
    with pytest.raises(UserError, match="'a' begins 2 trials: a-0, a-1"):
        await exclude(store, "a", "why", 5)


@pytest.mark.parametrize("words", ["c", "b-00", ""])
async def test_an_unknown_trial_is_refused_with_those_near_it(
    store: SqliteStore, book: Book, words: str
) -> None:
    with pytest.raises(UserError, match=r"there is no trial .*(a|b)-0"):
        await exclude(store, words, "why", 5)


async def test_a_reason_is_needed(store: SqliteStore, book: Book) -> None:
    with pytest.raises(UserError, match="--reason is empty"):
        await exclude(store, "b-0", "  ", 5)


async def test_a_trial_comes_back_and_both_words_are_kept(store: SqliteStore, book: Book) -> None:
    await exclude(store, "b-0", "the fan was off", 5)
    await include(store, "b-0", 6)
    assert await read_exclusions(store) == {}
    assert len(await store.history("excluded", "b-0")) == 2


async def test_the_same_word_twice_is_one(store: SqliteStore, book: Book) -> None:
    await exclude(store, "b-0", "why", 5)
    await exclude(store, "b-0", "why", 6)
    assert len(await store.history("excluded", "b-0")) == 1


async def test_only_what_is_excluded_can_be_included(store: SqliteStore, book: Book) -> None:
    with pytest.raises(UserError, match="there is no excluded trial 'b-0'"):
        await include(store, "b-0", 5)


async def test_standings_follow_an_exclusion_and_its_end(store: SqliteStore, book: Book) -> None:
    standings = Standings(book, Score())
    (first,) = await standings.renew()
    assert [row.model for row in first.document.rows] == ["a", "b"]
    await exclude(store, "b-0", "the fan was off", 5)
    await book.heed()
    (second,) = await standings.renew()
    assert [row.model for row in second.document.rows] == ["a"]
    assert second.document.refused[0].reason == "trial b-0: excluded: the fan was off"
    await include(store, "b-0", 6)
    await book.heed()
    assert (await standings.renew())[0].document == first.document
    await book.heed()
    assert await standings.renew() == []


async def test_an_exclusion_of_before_counts_from_the_start(store: SqliteStore, book: Book) -> None:
    await exclude(store, "b-0", "why", 5)
    again = Book(store)
    await again.open()
    assert [row.model for row in (await Standings(again, Score()).renew())[0].document.rows] == ["a"]


async def test_two_programs_that_rank_follow_each_other(store: SqliteStore, book: Book) -> None:
    other = Book(store)
    await other.open()
    await Standings(book, Score()).renew()
    await exclude(store, "b-0", "why", 5)
    await other.heed()
    (changed,) = await Standings(other, Score()).renew()
    assert [row.model for row in changed.document.rows] == ["a"]
    assert [revision.revision for revision in await store.latest("ranking")] == [2]
