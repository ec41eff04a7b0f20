"""Documents keep every revision, and none is ever changed."""

from __future__ import annotations

import pytest

from telemetry.store.interface import Store
from tests.contracts.store.builders import (
    revision,
)

pytestmark = pytest.mark.anyio


async def test_the_latest_revision_of_each_document_comes_by_id(store: Store) -> None:
    await store.put([revision(1, doc=b"1"), revision(0, doc=b"0"), revision(0, id="trial-0")])
    assert await store.latest("result") == [revision(0, id="trial-0"), revision(1, doc=b"1")]


async def test_the_latest_revision_is_by_number_and_not_by_text(store: Store) -> None:
    await store.put([revision(number) for number in range(12)])
    assert await store.latest("result") == [revision(11)]


async def test_kinds_do_not_mix(store: Store) -> None:
    await store.put([revision(0), revision(0, kind="excluded")])
    assert await store.latest("excluded") == [revision(0, kind="excluded")]


async def test_latest_documents_can_be_of_one_node(store: Store) -> None:
    await store.put([revision(0), revision(0, id="other", node="nano"), revision(0, id="none", node=None)])
    assert await store.latest("result", "nano") == [revision(0, id="other", node="nano")]


async def test_the_history_of_a_document_is_oldest_first(store: Store) -> None:
    await store.put([revision(number, doc=b"%d" % number) for number in (2, 0, 10, 1)])
    assert [each.revision for each in await store.history("result", "trial-1")] == [0, 1, 2, 10]
    assert await store.history("result", "unknown") == []


async def test_the_same_revision_again_changes_nothing(store: Store) -> None:
    await store.put([revision(0)])
    await store.put([revision(0)])
    assert await store.history("result", "trial-1") == [revision(0)]


async def test_a_revision_never_says_something_else(store: Store) -> None:
    await store.put([revision(0)])
    with pytest.raises(ValueError, match="'trial-1' revision 0"):
        await store.put([revision(1), revision(0, doc=b"other")])


async def test_a_refused_put_stores_none_of_its_documents(store: Store) -> None:
    await store.put([revision(0)])
    with pytest.raises(ValueError, match="revision 0"):
        await store.put([revision(1), revision(0, doc=b"other")])
    assert await store.latest("result") == [revision(0)]


async def test_documents_are_found_by_when_they_happened(store: Store) -> None:
    told = [revision(0, id=f"w{at}", kind="event", doc=b'{"at":%d}' % at) for at in (10, 20, 30)]
    await store.put([*told, revision(0, id="timeless", kind="event", doc=b"{}")])
    assert await store.during("event", 10, 30) == told[:2]
    assert await store.during("event", 11, 20) == []


async def test_of_a_stretch_of_time_each_document_comes_once_and_as_it_is_now(store: Store) -> None:
    first, second = (revision(n, kind="event", doc=b'{"at":5,"n":%d}' % n) for n in (1, 2))
    await store.put([first, second, revision(1, id="other", kind="event", node="nano", doc=b'{"at":5}')])
    assert await store.during("event", 0, 10, "tx2") == [second]


async def test_minutes_of_work_and_trials_are_kinds_of_their_own(store: Store) -> None:
    work = revision(1, id="work", kind="interval", doc=b'{"app":"cam","end":7}')
    await store.put([work, revision(1, doc=b'{"end":7}')])
    assert await store.latest("result") == [revision(1, doc=b'{"end":7}')]
    assert await store.latest("interval") == [work]
    assert await store.during("interval", 7, 8) == [work]
