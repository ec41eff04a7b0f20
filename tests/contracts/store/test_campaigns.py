"""Campaigns and their parts in every store: each revision comes back as it was said."""

from __future__ import annotations

import msgspec
import pytest

from telemetry.contract.commands import (
    CAMPAIGN,
    PART,
    Campaign,
    Doing,
    LeftOut,
    Reply,
    part_id,
    part_of,
)
from telemetry.contract.plan import CampaignPlan, DataSet, Override, Steps
from telemetry.store.interface import Revision, Store

pytestmark = pytest.mark.anyio

NOW = 1_790_000_000_000_000_000
PLAN = CampaignPlan(
    name="night",
    models=("a", "b"),
    datasets=(DataSet(name="d", data="cifar10"),),
    trials=2,
    protocol=Steps(min_s=60.0),
    overrides=(Override(model="a", skip=True),),
)
FIRST = Campaign(id="night-1", revision=0, wish="run", nodes=("n1", "n2"), began=NOW, at=NOW, plan=PLAN)
AT = {"model": "b", "dataset": "d", "batch_size": 32, "precision": "fp32"}


async def put(
    store: Store, kind: str, id_: str, revision: int, node: str | None, said: msgspec.Struct
) -> None:
    doc = msgspec.json.encode(said)
    await store.put([Revision(kind=kind, id=id_, revision=revision, node=node, doc=doc)])


async def test_the_newest_wish_of_a_campaign_is_found_with_its_whole_plan(store: Store) -> None:
    cancelled = msgspec.structs.replace(FIRST, revision=1, wish="cancel", at=NOW + 1)
    await put(store, CAMPAIGN, FIRST.id, 0, None, FIRST)
    await put(store, CAMPAIGN, FIRST.id, 1, None, cancelled)
    (newest,) = await store.latest(CAMPAIGN)
    assert msgspec.json.decode(newest.doc, type=Campaign) == cancelled


async def test_two_people_cannot_give_a_campaign_the_same_revision(store: Store) -> None:
    await put(store, CAMPAIGN, FIRST.id, 0, None, FIRST)
    other = msgspec.structs.replace(FIRST, wish="cancel")
    with pytest.raises(ValueError, match=r"revision 0"):
        await put(store, CAMPAIGN, FIRST.id, 0, None, other)


async def test_every_word_of_a_part_is_kept_and_the_last_one_is_found(store: Store) -> None:
    said = [
        Reply(id=FIRST.id, revision=0, said=NOW, state="waiting"),
        Reply(id=FIRST.id, revision=0, said=NOW + 1, state="running", trials=2, doing=Doing(**AT, index=1)),
        Reply(
            id=FIRST.id, revision=1, said=NOW + 2, state="ended", done=1, left_out=(LeftOut(**AT, why="big"),)
        ),
    ]
    parts = [part_of("n1", reply, NOW + at) for at, reply in enumerate(said)]
    for at, part in enumerate(parts):
        await put(store, PART, part_id(FIRST.id, "n1"), at, "n1", part)
    (newest,) = await store.latest(PART)
    history = await store.history(PART, part_id(FIRST.id, "n1"))
    kept = [msgspec.json.decode(each.doc, type=type(parts[0])) for each in history]
    assert (kept, kept[-1:]) == (parts, [msgspec.json.decode(newest.doc, type=type(parts[0]))])
    assert await store.latest(PART, "n2") == []
