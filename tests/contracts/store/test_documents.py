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
