"""The undisturbed run: the same frames, in the order they were made, where nothing happens."""

from __future__ import annotations

import time
from collections.abc import Sequence

import anyio
import msgspec

from telemetry.contract.documents import Result
from telemetry.runtime.mqtt import Address, Link
from tests.faults.scene import Scene, Setting, opened_scene
from tests.faults.shelf import Shelf
from tests.faults.tap import Made

EQUAL_WITHIN_S = 240.0
PATIENT_S = 30.0
WINDOW = 400
OF_THE_RUN = {"revision": 0, "reason": None, "computed_at": None}
"""A result is a pure function of what is stored, but for when and why it was written."""

Documents = dict[tuple[str, str, str], bytes]


async def undisturbed(scene: Scene, made: Sequence[Made], *, may_lack: bool) -> tuple[int, list[str]]:
    """How many results there are, and which of them an undisturbed run of these frames gives otherwise.

    Byte for byte: both are the documents that the two stores hold. A trial whose marks were destroyed on the
    device has none; only where that may be is it waited for in vain.
    """
    folder = scene.folder / "undisturbed"
    folder.mkdir()
    async with opened_scene(folder, scene.shelf, Setting(nodes=())) as calm:
        calm.store = scene.shelf.fresh("undisturbed")
        await calm.start_all()
        await _feed(calm, made, scene)
        wanted = {(trial, stream) for trial, device in scene.trials for stream in device.sensors}
        patient_s, deadline_s = time.monotonic() + PATIENT_S, time.monotonic() + EQUAL_WITHIN_S
        while True:
            one, other = await documents(scene.shelf, scene.store), await documents(scene.shelf, calm.store)
            missing = wanted - {(window, stream) for _, window, stream in other}
            complete = not missing or (may_lack and time.monotonic() > patient_s)
            if (complete and one == other) or time.monotonic() > deadline_s:
                return len(other), _differences(one, other, complete=complete)
            await anyio.sleep(0.2)


async def documents(shelf: Shelf, url: str) -> Documents:
    """The newest revision of every result, by node, window and stream, without what belongs to its run.

    Results that still wait for frames are left out: nothing is missing any more.
    """
    async with shelf.opened(url) as store:
        found = [msgspec.json.decode(each.doc, type=Result) for each in await store.latest("result")]
    return {
        (one.node, one.window, one.stream): msgspec.json.encode(msgspec.structs.replace(one, **OF_THE_RUN))
        for one in found
        if "frames_missing" not in one.reasons
    }


async def _feed(calm: Scene, made: Sequence[Made], scene: Scene) -> None:
    """Every frame, a bounded number at a time, until the collector has all of them."""
    nodes = {each.key: device.name for device in scene.devices for each in device.tap.offered.values()}
    link = Link(Address.parse(calm.broker.url), client_id=f"feeder-{time.monotonic_ns()}")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.run)
        await link.until_connected()
        for at in range(0, len(made), WINDOW):
            for each in made[at : at + WINDOW]:
                await link.publish(f"e3p/v1/{nodes[each.key]}/{each.stream}", each.body)
            await calm.until_settled({each.key for each in made[at : at + WINDOW]})
        tasks.cancel_scope.cancel()


def _differences(one: Documents, other: Documents, *, complete: bool) -> list[str]:
    words = [] if complete else ["the undisturbed run lacks results"]
    differing = (key for key in sorted(one.keys() | other.keys()) if one.get(key) != other.get(key))
    return [
        *words,
        *(f"{key}: disturbed {one.get(key)!r}, undisturbed {other.get(key)!r}" for key in differing),
    ]
