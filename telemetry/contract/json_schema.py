"""JSON schemas of the contract's messages, as JSON carries them: columns are plain arrays there."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

import msgspec

from telemetry.contract.frames import VERSION, MarksFrame

Schema = dict[str, Any]

NS: Schema = {"$ref": "#/components/schemas/Ns"}
NANOSECONDS: Schema = {
    "title": "Ns",
    "description": "Nanoseconds, int64; as a decimal string where a language rounds above 2^53.",
    "oneOf": [{"type": "integer"}, {"type": "string", "pattern": "^-?[0-9]{1,20}$"}],
}
NULLABLE: Schema = {"type": ["number", "null"]}
COLUMNS: dict[str, Schema] = {
    "dt": {"type": "array", "items": {"type": "integer"}},
    "w": {"type": "array", "items": {"type": "array", "items": NULLABLE}},
    "counter_j": {"type": "array", "items": NULLABLE},
    "t": {"type": "array", "items": NS},
    "begin": {"type": "array", "items": NS},
    "end": {"type": "array", "items": NS},
    "images": {"type": "array", "items": {"type": "integer"}},
    "correct": {"type": "array", "items": {"type": "integer"}},
    "hits": {"type": "array", "items": {"enum": [0, 1]}},
}
LATER_EVENT: Schema = {
    "title": "LaterEvent",
    "description": "A kind that this version does not know: kept, and passed over.",
    "type": "object",
    "properties": {"kind": {"type": "string"}, "t": NS},
    "required": ["kind", "t"],
}


def schemas_of(kinds: Iterable[type[msgspec.Struct]]) -> dict[str, Schema]:
    """The schemas of these messages and of all that they hold, by name."""
    _, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    schemas = {name: _in_json(schema) for name, schema in components.items()}
    _let_later_events_in(schemas)
    return {**schemas, "Ns": NANOSECONDS}


def _in_json(schema: Schema) -> Schema:
    properties: dict[str, Schema] = schema.get("properties", {})
    for name, field in properties.items():
        properties[name] = _field(name, field)
    if "v" in properties:
        properties["v"] = {"const": VERSION, "description": "The contract's version."}
        schema["required"] = ["v", *(name for name in schema.get("required", []) if name != "v")]
    if "description" in schema:
        schema["description"] = inspect.cleandoc(schema["description"]).replace("``", "`")
    return schema


def _field(name: str, schema: Schema) -> Schema:
    if schema.get("contentEncoding") == "base64":
        return COLUMNS[name]
    if "nanoseconds" in schema.get("description", ""):
        return NS
    if "anyOf" in schema:
        return {**schema, "anyOf": [_field(name, option) for option in schema["anyOf"]]}
    if "prefixItems" in schema:  # AsyncAPI speaks draft 7, where a tuple is a list of `items`
        rest = {key: value for key, value in schema.items() if key not in ("prefixItems", "items")}
        return {**rest, "items": schema["prefixItems"], "additionalItems": False}
    if isinstance(schema.get("items"), dict):
        return {**schema, "items": _field(name, schema["items"])}
    return schema


def _let_later_events_in(schemas: dict[str, Schema]) -> None:
    """`events` holds the known kinds, or any map with `kind` and `t`: no discriminator can say that."""
    frame = schemas.get(MarksFrame.__name__)
    if frame is None:
        return
    known = frame["properties"]["events"]["items"]["anyOf"]
    kinds = [schemas[option["$ref"].rpartition("/")[2]]["properties"]["kind"]["enum"][0] for option in known]
    later = {**LATER_EVENT, "properties": {**LATER_EVENT["properties"], "kind": {"not": {"enum": kinds}}}}
    schemas["LaterEvent"] = later
    options = [*known, {"$ref": "#/components/schemas/LaterEvent"}]
    frame["properties"]["events"] = {"type": "array", "items": {"anyOf": options}}
