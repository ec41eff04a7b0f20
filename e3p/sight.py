"""Whether the agent of this machine sees what a trial runs on, and on which GPU it then has to run."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import anyio

from edge_node.boots import read_os_boot
from edge_node.power.discover import BLIND, TrialsOn
from telemetry.contract.decode import decode_message
from telemetry.contract.errors import Refused, UserError
from telemetry.contract.frames import ManifestFrame
from telemetry.contract.manifest import StreamInfo
from telemetry.contract.replies import State, StateName
from telemetry.contract.topics import every_node, parse_node_topic
from telemetry.runtime.address import Address
from telemetry.runtime.mqtt import Link, Message

LISTEN_S = 1.5
QUIET_S = 0.3
OVER: tuple[StateName, ...] = ("lost", "gone")
VISIBLE = "CUDA_VISIBLE_DEVICES"


class Sight(NamedTuple):
    """What to say before the trials begin, and what to set for their runner."""

    warnings: tuple[str, ...] = ()
    env: Mapping[str, str] = {}


async def streams_here(address: Address) -> list[StreamInfo]:
    """The power streams of the agents that run on this machine now, as they told the broker."""
    link = Link(
        address,
        client_id=f"e3p-sight-{secrets.token_hex(4)}",
        filters=[every_node("about"), every_node("state")],
    )
    heard: list[Message] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.run)
        with anyio.move_on_after(LISTEN_S) as listening:
            end = listening.deadline
            async for message in link.inbox():
                heard.append(message)
                # What is retained comes at once, all together.
                listening.deadline = min(end, anyio.current_time() + QUIET_S)
        tasks.cancel_scope.cancel()
    return streams_of(heard, read_os_boot())


def streams_of(heard: Sequence[Message], os_boot: str) -> list[StreamInfo]:
    """The streams in what was heard of agents on the machine of that kernel's boot that are not over."""
    states: dict[str, StateName] = {}
    manifests: dict[str, ManifestFrame] = {}
    for message in heard:
        node, kind = parse_node_topic(message.topic) or ("", None)
        try:
            if kind == "state":
                states[node] = decode_message(message.payload, State).state
            elif kind == "about":
                manifests[node] = decode_message(message.payload, ManifestFrame)
        except Refused:
            continue
    here = [
        manifest
        for node, manifest in manifests.items()
        if manifest.os_boot == os_boot and states.get(node) not in OVER
    ]
    return [stream for manifest in here for stream in manifest.streams if stream.role != "external"]


def judge(streams: Sequence[StreamInfo], device: TrialsOn, env: Mapping[str, str]) -> Sight:
    """What follows from the streams for trials on a device. Raises `UserError` where none sees it."""
    if not streams:
        words = (
            "the broker knows no agent on this machine: whether what it measures sees the GPU is not checked"
        )
        return Sight((words,) if device == "cuda" else ())
    blind = [stream for stream in streams if stream.sensor in BLIND[device]]
    if len(blind) == len(streams):
        names = ", ".join(sorted({stream.sensor for stream in blind}))
        other = f"start it with `e3p edge --trials-on {device}`, or run the trials on what it sees"
        raise UserError(f"the agent here measures {names}, which does not see a trial on {device}: {other}")
    warnings = []
    first = min(streams, key=lambda stream: (stream.role != "device", stream.stream))
    if first in blind:
        warnings.append(
            f"rankings use stream {first.stream!r}, the first by name; its sensor {first.sensor} does not "
            f"see a trial on {device}: let the name of one that does come first"
        )
    if device == "cuda":
        return _on_gpu([stream.source for stream in streams if stream.source], warnings, env)
    return Sight(tuple(warnings))


def _on_gpu(gpus: Sequence[str], warnings: list[str], env: Mapping[str, str]) -> Sight:
    """The trials run on the GPU that is measured, unless somebody has said otherwise."""
    visible = env.get(VISIBLE, "").partition(",")[0].strip()
    if not gpus:
        return Sight(tuple(warnings))
    if not visible:
        return Sight(tuple(warnings), {VISIBLE: gpus[0]} if len(gpus) == 1 else {})
    if visible.isdigit():
        measured = f"{', '.join(gpus)} is measured"
        warnings.append(f"{VISIBLE}={visible} names a GPU by a number, and {measured}: are they one?")
    elif visible.startswith("GPU-") and not any(gpu.startswith(visible) for gpu in gpus):
        measured = ", ".join(gpus)
        raise UserError(f"{VISIBLE}={visible}, but the agent measures {measured}: leave the variable unset")
    return Sight(tuple(warnings))
