"""The one place that spells a topic: built and parsed by the same templates (docs/contract.md, "Topics")."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from telemetry.contract.errors import Refused

ROOT = "e3p/v1"
FLEET = "fleet"

FrameKind = Literal["power", "marks", "health", "clock", "manifest"]
FRAME_KINDS: tuple[FrameKind, ...] = ("power", "marks", "health", "clock", "manifest")

NodeKind = Literal["state", "about", "ping", "pong", "stored", "result", "command", "reply"]
NODE_KINDS: tuple[NodeKind, ...] = ("state", "about", "ping", "pong", "stored", "result", "command", "reply")

DEAD = f"{ROOT}/dead"
FLEET_EVENT = f"{ROOT}/{FLEET}/event"

NODE_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")
STREAM_PATTERN = re.compile(r"[a-z0-9_-]{1,32}")


class FrameTopic(NamedTuple):
    """Where a frame travels: ``e3p/v1/{node}/{kind}/{stream}``."""

    node: str
    kind: FrameKind
    stream: str

    def __str__(self) -> str:
        return f"{ROOT}/{self.node}/{self.kind}/{self.stream}"

    @property
    def name(self) -> str:
        """The stream's name in ledgers and replies, such as ``power/main``."""
        return f"{self.kind}/{self.stream}"


def node_topic(node: str, kind: NodeKind) -> str:
    """The topic of a node's own message of that kind."""
    return f"{ROOT}/{check_node(node)}/{kind}"


def stream_topic(node: str, name: str) -> str:
    """The topic of a stream by its full name, such as ``power/main``."""
    return f"{ROOT}/{check_node(node)}/{name}"


def ranking_topic(device: str, dataset: str) -> str:
    """The retained ranking of one device kind on one data set."""
    for name in (device, dataset):
        if not NODE_PATTERN.fullmatch(name):
            raise ValueError(f"{name!r} cannot stand in a topic: 1-64 of A-Z a-z 0-9 _ -")
    return f"{ROOT}/{FLEET}/ranking/{device}/{dataset}"


def every_node(kind: NodeKind) -> str:
    """The filter that matches this kind of message from every node."""
    return f"{ROOT}/+/{kind}"


def every_frame() -> list[str]:
    """The filters that match every frame of every node."""
    return [f"{ROOT}/+/{kind}/+" for kind in FRAME_KINDS]


def everything_of_nodes() -> str:
    """The filter of all that lies below nodes' names, lawful or not; the announcements in `DEAD` do not."""
    return f"{ROOT}/+/+/#"


def is_fleet_topic(topic: str) -> bool:
    """Whether this is one of the fleet's own topics: a ranking or an event."""
    parts = topic.split("/")
    return topic == FLEET_EVENT or (len(parts) == 6 and topic.startswith(f"{ROOT}/{FLEET}/ranking/"))


def is_node(name: str) -> bool:
    """Whether this can be a node's name."""
    return NODE_PATTERN.fullmatch(name) is not None and name != FLEET


def is_stream(name: str) -> bool:
    """Whether this can be a stream's name."""
    return STREAM_PATTERN.fullmatch(name) is not None


def is_stream_name(name: str) -> bool:
    """Whether this is a stream's full name, such as ``power/main``."""
    kind, _, stream = name.partition("/")
    return kind in FRAME_KINDS and is_stream(stream)


def check_node(name: str) -> str:
    """The name itself, when it can stand in a topic; ``ValueError`` otherwise."""
    if not is_node(name):
        raise ValueError(f"{name!r} cannot stand in a topic: 1-64 of A-Z a-z 0-9 _ - and not {FLEET!r}")
    return name


def parse_frame_topic(topic: str) -> FrameTopic:
    """The parts of a frame's topic. Raises `Refused` (``topic``) when it is not a lawful one."""
    parts = topic.split("/")
    if len(parts) != 5 or f"{parts[0]}/{parts[1]}" != ROOT:
        raise Refused("topic", topic[:256], f"a frame's topic is {ROOT}/NODE/KIND/STREAM")
    _, _, node, kind, stream = parts
    if not is_node(node):
        raise Refused("topic", topic[:256], f"node must be 1-64 of A-Z a-z 0-9 _ - and not {FLEET!r}")
    if kind not in FRAME_KINDS:
        raise Refused("topic", topic[:256], f"kind must be one of {', '.join(FRAME_KINDS)}")
    if not is_stream(stream):
        raise Refused("topic", topic[:256], "stream must be 1-32 of a-z 0-9 _ -")
    return FrameTopic(node, kind, stream)


def parse_node_topic(topic: str) -> tuple[str, NodeKind] | None:
    """Node and kind of a node's own message (state, ping, stored, …), or None when it is another topic."""
    parts = topic.split("/")
    if len(parts) == 4 and f"{parts[0]}/{parts[1]}" == ROOT and is_node(parts[2]):
        for kind in NODE_KINDS:
            if parts[3] == kind:
                return parts[2], kind
    return None
