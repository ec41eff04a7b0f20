"""docs/contract.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from telemetry.contract import documents, errors, topics
from telemetry.contract.asyncapi import CHANNELS, document
from telemetry.contract.decode import Received, receive
from telemetry.contract.encode import encode

PAGE = (Path(__file__).parents[3] / "docs" / "contract.md").read_text(encoding="utf-8")
TOPIC = "e3p/v1/tx2-07/power/main"


def example(name: str) -> str:
    found = re.search(rf"<!-- example: {name} -->\n```\w*\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def received(payload: bytes) -> Received:
    got = receive(TOPIC, payload)
    assert isinstance(got, Received)
    return got


def test_both_examples_are_one_frame() -> None:
    text, packed = example("json").encode(), bytes.fromhex(example("msgpack"))
    assert received(text).frame == received(packed).frame
    assert received(text).digest == received(packed).digest


def test_the_code_writes_the_examples() -> None:
    frame = received(example("json").encode()).frame
    assert encode(frame, "msgpack") == bytes.fromhex(example("msgpack"))
    assert msgspec.json.decode(encode(frame, "json")) == msgspec.json.decode(example("json"))


def test_the_page_says_how_long_the_example_is() -> None:
    assert f"{len(bytes.fromhex(example('msgpack')))} bytes" in PAGE


@pytest.mark.parametrize("schema", [name for name in document()["components"]["schemas"] if name != "Ns"])
def test_every_field_stands_on_the_page(schema: str) -> None:
    properties = document()["components"]["schemas"][schema]["properties"]
    missing = [name for name in properties if not re.search(rf"\b{name}\b", _code())]
    assert missing == []


def test_every_topic_stands_on_the_page() -> None:
    assert [channel.address for channel in CHANNELS if f"`{channel.address}`" not in PAGE] == []


@pytest.mark.parametrize(
    "words", [documents.Reason, documents.Flag, documents.ResultState, errors.Code, topics.NodeKind]
)
def test_every_reason_flag_state_and_code_stands_on_the_page(words: object) -> None:
    assert [word for word in get_args(words) if not re.search(rf"\b{word}\b", _code())] == []


def _code() -> str:
    """All that stands in backticks, blocks aside."""
    prose = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)
    return " ".join(re.findall(r"`([^`]+)`", prose))
