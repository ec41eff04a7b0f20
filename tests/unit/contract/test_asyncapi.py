from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.contract import topics
from telemetry.contract.asyncapi import document
from telemetry.contract.encode import encode
from telemetry.contract.frames import FRAME_TYPES
from tests.unit.contract.messages import FRAMES, REPLIES
from tests.unit.contract.plain import plain
from tests.unit.contract.test_meter import METER

ROOT = Path(__file__).parents[3]
DOCUMENT = document()


def check(raw: Any, schema: str) -> None:
    """Whether a message in JSON fits the schema of that name."""
    wanted = {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
    jsonschema.Draft7Validator(wanted).validate(raw)


def test_the_committed_document_is_what_the_code_makes() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "telemetry.contract.asyncapi"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    committed = (ROOT / "docs" / "asyncapi.json").read_bytes()
    assert made == committed, "python -m telemetry.contract.asyncapi > docs/asyncapi.json"


def test_every_kind_of_topic_has_one_channel() -> None:
    addresses = [channel["address"] for channel in DOCUMENT["channels"].values()]
    assert len(set(addresses)) == len(addresses)
    kinds = {address.split("/")[3] for address in addresses if address.startswith("e3p/v1/{node}/")}
    assert kinds == {*topics.FRAME_KINDS, *topics.NODE_KINDS}


def test_every_reference_leads_somewhere() -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [ref for item in value.values() for ref in references(item)]
        return [ref for item in value for ref in references(item)] if isinstance(value, list) else []

    for reference in references(DOCUMENT):
        place: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


def test_every_schema_is_a_schema() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft7Validator.check_schema(schema)


@pytest.mark.parametrize("kind", FRAMES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_every_frame_in_json_fits_its_schema(kind: Any, data: st.DataObject) -> None:
    raw = msgspec.json.decode(encode(data.draw(FRAMES[kind]), "json"))
    check(raw, FRAME_TYPES[kind].__name__)


@pytest.mark.parametrize("kind", REPLIES)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_every_reply_in_json_fits_its_schema(kind: str, data: st.DataObject) -> None:
    message = data.draw(REPLIES[kind])
    check(msgspec.json.decode(encode(message, "json")), type(message).__name__)


def test_a_meters_message_fits_its_schema() -> None:
    check(METER, "Meter")


@pytest.mark.parametrize("kind", FRAMES)
def test_what_lacks_a_required_field_fits_no_schema(kind: Any) -> None:
    for name in ("v", "boot", "seq", "anchor", "t0"):
        raw = plain(kind)
        del raw[name]
        with pytest.raises(jsonschema.ValidationError):
            check(raw, FRAME_TYPES[kind].__name__)


def test_an_event_of_a_later_version_fits_but_a_broken_known_one_does_not() -> None:
    check({**plain("marks"), "events": [{"kind": "later", "t": 5}]}, "MarksFrame")
    with pytest.raises(jsonschema.ValidationError):
        check({**plain("marks"), "events": [{"kind": "prepare", "t": 5}]}, "MarksFrame")
