"""The contract as an AsyncAPI 3 document, generated from the types and the topics.

``python -m telemetry.contract.asyncapi > docs/asyncapi.json`` writes it; a test holds the file fresh. The
operations are those of a client that stands where a node stands: it sends frames and receives replies.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import msgspec

from telemetry.contract import topics
from telemetry.contract.commands import Command, Reply
from telemetry.contract.decode import Meter
from telemetry.contract.documents import EventRefused, Result
from telemetry.contract.events import Finding, TwoBoots
from telemetry.contract.frames import FRAME_TYPES, ManifestFrame
from telemetry.contract.json_schema import schemas_of
from telemetry.contract.ranking import Ranking
from telemetry.contract.replies import Dead, Ping, Pong, State, Stored
from telemetry.contract.topics import ROOT, FrameTopic

Schema = dict[str, Any]

PARAMETERS = {
    "node": "The node's name: 1-64 of A-Z a-z 0-9 _ -, not `fleet`.",
    "stream": "The stream's name: 1-32 of a-z 0-9 _ -.",
    "device": "The kind of device: 1-64 of A-Z a-z 0-9 _ -.",
    "dataset": "The data set: 1-64 of A-Z a-z 0-9 _ -.",
}


class Channel(NamedTuple):
    """One topic: what travels there, and how; `send` says that a node is the sender."""

    name: str
    address: str
    messages: tuple[type[msgspec.Struct], ...]
    send: bool
    qos: int = 1
    retain: bool = False


def _of_node(kind: topics.NodeKind) -> str:
    return f"{ROOT}/{{node}}/{kind}"


def _frames(kind: topics.FrameKind) -> tuple[type[msgspec.Struct], ...]:
    """A minimal meter's messages come on a power stream's topic."""
    return (FRAME_TYPES[kind], Meter) if kind == "power" else (FRAME_TYPES[kind],)


CHANNELS = (
    *(
        Channel(kind, str(FrameTopic("{node}", kind, "{stream}")), _frames(kind), send=True)
        for kind in topics.FRAME_KINDS
    ),
    Channel("state", _of_node("state"), (State,), send=True, retain=True),
    Channel("about", _of_node("about"), (ManifestFrame,), send=True, retain=True),
    Channel("ping", _of_node("ping"), (Ping,), send=True, qos=0),
    Channel("pong", _of_node("pong"), (Pong,), send=False, qos=0),
    Channel("stored", _of_node("stored"), (Stored,), send=False),
    Channel("command", _of_node("command"), (Command,), send=False),
    Channel("reply", _of_node("reply"), (Reply,), send=True),
    Channel("result", _of_node("result"), (Result, EventRefused), send=False),
    Channel(
        "ranking",
        f"{ROOT}/{topics.FLEET}/ranking/{{device}}/{{dataset}}",
        (Ranking,),
        send=False,
        retain=True,
    ),
    Channel("event", topics.FLEET_EVENT, (TwoBoots, Finding), send=False),
    Channel("dead", topics.DEAD, (Dead,), send=False),
)


def document() -> Schema:
    """The whole document, as JSON's own types."""
    messages = {kind.__name__: kind for channel in CHANNELS for kind in channel.messages}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "E3P telemetry",
            "version": "1",
            "description": "What travels between nodes, collector and analyzer over MQTT 3.1.1, in JSON's "
            "shape. MessagePack carries the same maps with packed columns: docs/contract.md.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {channel.name: _channel(channel) for channel in CHANNELS},
        "operations": {_operation_name(channel): _operation(channel) for channel in CHANNELS},
        "components": {
            "messages": {name: _message(name, kind) for name, kind in messages.items()},
            "schemas": schemas_of(messages.values()),
        },
    }


def _channel(channel: Channel) -> Schema:
    made: Schema = {"address": channel.address}
    parameters = {
        name: {"description": words} for name, words in PARAMETERS.items() if f"{{{name}}}" in channel.address
    }
    if parameters:
        made["parameters"] = parameters
    made["messages"] = {
        kind.__name__: {"$ref": f"#/components/messages/{kind.__name__}"} for kind in channel.messages
    }
    return made


def _operation_name(channel: Channel) -> str:
    return f"{'send' if channel.send else 'receive'}{channel.name.capitalize()}"


def _operation(channel: Channel) -> Schema:
    return {
        "action": "send" if channel.send else "receive",
        "channel": {"$ref": f"#/channels/{channel.name}"},
        "messages": [
            {"$ref": f"#/channels/{channel.name}/messages/{kind.__name__}"} for kind in channel.messages
        ],
        "bindings": {"mqtt": {"qos": channel.qos, "retain": channel.retain, "bindingVersion": "0.2.0"}},
    }


def _message(name: str, kind: type[msgspec.Struct]) -> Schema:
    summary = (kind.__doc__ or name).strip().splitlines()[0].replace("``", "`")
    return {"name": name, "summary": summary, "payload": {"$ref": f"#/components/schemas/{name}"}}


def main() -> None:
    """Writes the document to standard output."""
    text = msgspec.json.format(msgspec.json.encode(document()), indent=2).decode()
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
