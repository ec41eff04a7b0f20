"""Documents in InfluxDB 2: one point for each revision, numbers to plot, and nothing merged."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from telemetry.store.influx import InfluxStore
from telemetry.store.interface import Revision
from tests.contracts.store.builders import letter, revision

pytestmark = pytest.mark.anyio

END = time.time_ns()


@pytest.fixture
def store(server_store: InfluxStore) -> InfluxStore:
    return server_store


def said(**fields: Any) -> bytes:
    whole = {"v": 1, "node": "tx2", "end": END, "kind": "trial", "model": "vit b/16", **fields}
    return json.dumps(whole).encode()


async def rows(store: InfluxStore, bucket: str, statement: str) -> list[dict[str, Any]]:
    return await store._server.ask(f"{bucket}-results", statement)


async def test_a_result_is_a_point_at_its_end_with_its_numbers_as_fields(
    store: InfluxStore, bucket: str
) -> None:
    doc = said(energy_j=12.5, images=1000, clock_bad=False, begin=5, latency_ms={"p50": 2.5})
    await store.put([revision(1, doc=doc)])
    (row,) = await rows(
        store, bucket, 'SELECT energy_j, images, clock_bad, "begin", latency_ms_p50, model FROM window'
    )
    assert row == {
        "time": END,
        "energy_j": 12.5,
        "images": 1000.0,
        "clock_bad": False,
        "begin": 5,
        "latency_ms_p50": 2.5,
        "model": "vit b/16",
    }


async def test_each_revision_is_a_point_of_its_own(store: InfluxStore, bucket: str) -> None:
    await store.put([revision(number, doc=said(energy_j=float(number))) for number in (9, 10, 1)])
    found = await rows(store, bucket, "SELECT energy_j, revision FROM window")
    assert sorted(row["revision"] for row in found) == ["000000001", "000000009", "000000010"]


async def test_a_revision_with_fewer_fields_does_not_inherit_the_others(
    store: InfluxStore, bucket: str
) -> None:
    await store.put([revision(1, doc=said(energy_j=12.5, mean_w=3.0))])
    await store.put([revision(2, doc=said(mean_w=3.0))])
    found = await rows(store, bucket, "SELECT energy_j, mean_w FROM window WHERE revision = '000000002'")
    assert [(row["energy_j"], row["mean_w"]) for row in found] == [(None, 3.0)]
    (latest,) = await store.latest("result")
    assert json.loads(latest.doc).get("energy_j") is None


async def test_a_document_that_two_programs_put_at_once_is_one_document(
    bucket: str, store: InfluxStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(revisions: object) -> list[Revision]:
        del revisions
        return []

    monkeypatch.setattr(store._documents, "_held", nothing)
    timeless = revision(1, doc=b"{}")
    await store.put([timeless])
    await store.put([timeless])
    assert len(await rows(store, bucket, "SELECT number FROM window")) == 2
    assert await store.latest("result") == [timeless]
    assert await store.history("result", timeless.id) == [timeless]


async def test_a_number_may_be_whole_once_and_broken_later(store: InfluxStore) -> None:
    await store.put([revision(1, doc=said(energy_j=12)), revision(2, doc=said(energy_j=12.5))])
    assert len(await store.history("result", "trial-1")) == 2


async def test_a_document_beyond_a_mebibyte_comes_back(store: InfluxStore) -> None:
    large = revision(1, doc=said(text="é\\\"'\n" * 300_000))
    await store.put([large])
    assert await store.latest("result") == [large]


@pytest.mark.parametrize("name", ["a b", "x,y=z", "quote'\"s", "back\\slash", "new\nline", "50%", "é/ü"])
async def test_any_id_is_its_own(store: InfluxStore, name: str) -> None:
    await store.put([revision(1, id=name), revision(1, id="plain")])
    assert await store.history("result", name) == [revision(1, id=name)]
    assert {each.id for each in await store.latest("result")} == {name, "plain"}


async def test_names_of_the_store_are_no_kinds_of_documents(store: InfluxStore) -> None:
    with pytest.raises(ValueError, match="no kind of document"):
        await store.put([revision(1, kind="ledger")])


async def test_a_letter_comes_back_whatever_is_in_it(store: InfluxStore) -> None:
    odd = letter("k", topic='e3p/v1/x\n"y\\/z', reason="decode: é\n\\", body=bytes(range(256)) * 3)
    await store.bury([odd])
    assert await store.letters() == [odd]


async def test_letters_of_one_time_are_all_kept(store: InfluxStore) -> None:
    letters = [letter(f"k{at}", at=END, body=None) for at in range(300)]
    await store.bury(letters)
    assert await store.letters() == letters
