"""What msgspec says of a wrong value, in a person's words: what is wrong, and what would be right. Pure."""

from __future__ import annotations

import difflib
import re
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect

_NAMES = {
    "array": "a list",
    "bool": "true or false",
    "float": "a number",
    "int": "a whole number",
    "null": "nothing",
    "object": "a table",
    "str": "text",
}
_PATTERNS = {"^[A-Za-z0-9_-]{1,64}$": "1 to 64 letters, digits, _ or -"}


class Wrong(NamedTuple):
    """Where a value is wrong (``overrides[1].min_s``; empty for all of it), and the words for it."""

    path: str
    words: str


def wrong(error: msgspec.ValidationError | ValueError, kind: Any) -> Wrong:  # noqa: ANN401 - a type as msgspec takes it
    """What is wrong with a value that is no `kind`."""
    words, _, path = str(error).partition(" - at `$")
    path = path.rstrip("`").lstrip(".")
    return Wrong(path, _words(words, _type_at(inspect.type_info(kind), path)))


def nearest(name: str, known: list[str]) -> str:
    """The known name that a wrong one may stand for, or all of them."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else f"known are {', '.join(sorted(known))}"


def _words(message: str, kind: inspect.Type | None) -> str:
    if found := re.fullmatch(r"Object contains unknown field `(.+)`", message):
        known = [field.encode_name for field in kind.fields] if isinstance(kind, inspect.StructType) else []
        return f"there is no {found[1]}; {nearest(found[1], known)}"
    if found := re.fullmatch(r"Object missing required field `(.+)`", message):
        return f"{found[1]} is missing"
    choices = _choices(kind)
    if message.startswith("Invalid enum value") and choices:
        given = message.removeprefix("Invalid enum value ")
        return f"{given} is none of {', '.join(choices)}"
    for pattern, words in _PATTERNS.items():
        message = message.replace(f"`str` matching regex '{pattern}'", words)
    kinds = re.sub(r"`([^`]*)`", lambda match: _spelled(match[1]), message)
    return f"{kinds[:1].lower()}{kinds[1:]}"


def _spelled(kinds: str) -> str:
    return " or ".join(_NAMES.get(kind, kind) for kind in kinds.split(" | "))


def _choices(kind: inspect.Type | None) -> list[str]:
    options = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    literals = [option for option in options if isinstance(option, inspect.LiteralType)]
    return [str(value) for literal in literals for value in literal.values]


def _type_at(kind: inspect.Type, path: str) -> inspect.Type | None:
    """The type of what a path leads to, as far as it can be followed."""
    found: inspect.Type | None = kind
    for part in re.findall(r"\[\.\.\.\]|\[\d+\]|[^.\[\]]+", path):
        options = found.types if isinstance(found, inspect.UnionType) else (found,)
        found = next(filter(None, (_inside(option, part) for option in options)), None)
    return found


def _inside(kind: inspect.Type | None, part: str) -> inspect.Type | None:
    if isinstance(kind, inspect.StructType):
        return next((field.type for field in kind.fields if field.encode_name == part), None)
    if isinstance(kind, (inspect.ListType, inspect.VarTupleType, inspect.SetType)):
        return kind.item_type
    return kind.value_type if isinstance(kind, inspect.DictType) else None
