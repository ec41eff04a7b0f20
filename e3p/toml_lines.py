"""Which line of a TOML file each value stands on: Python's reader does not tell. Pure.

It is no parser of its own: it is asked only about text that the reader took, and a value that it does not
find is answered with the nearest one around it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Iterator

_STATEMENT = re.compile(
    r"""[ \t]*(?:(?P<list>\[\[)[ \t]*(?P<of>[^\]\n]+?)[ \t]*\]\]|\[[ \t]*(?P<table>[^\]\n]+?)[ \t]*\]"""
    r"""|(?P<key>(?:"[^"\n]*"|'[^'\n]*'|[^\[\]=#\n"'])+?)[ \t]*=)?"""
)
_TOKEN = re.compile(
    r'"""(?:\\.|.)*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*|[\[\]{},\n]|[^\[\]{},\n"\'#]+',
    re.DOTALL,
)


def line_of(text: str, path: str) -> int | None:
    """The line (from 1) of a path such as ``overrides[1].min_s`` or ``models[2]``; else of what is around.

    None for what the text does not mention at all.
    """
    lines = dict(_places(text))
    while path and path not in lines:
        path = re.sub(r"(\[\d+\]|\.?[^.\[\]]+)$", "", path)
    return lines.get(path)


def _places(text: str) -> Iterator[tuple[str, int]]:
    """Every path with its line; elements of lists too."""
    table, at = "", 0
    counts: Counter[str] = Counter()
    while at < len(text):
        line = text.count("\n", 0, at) + 1
        statement = _STATEMENT.match(text, at)
        assert statement is not None  # noqa: S101 - it matches nothing at least
        at = statement.end()
        if name := statement["of"]:
            table = f"{_plain(name)}[{counts[name]}]"
            if not counts[name]:
                yield _plain(name), line
            counts[name] += 1
        elif name := statement["table"]:
            table = _plain(name)
        if statement["of"] or statement["table"]:
            yield table, line
        if key := statement["key"]:
            path = f"{table}.{_plain(key)}" if table else _plain(key)
            yield path, line
            at = yield from _value(text, at, path)
        else:
            at = _next_line(text, at)


def _value(text: str, at: int, path: str) -> Generator[tuple[str, int], None, int]:
    """The elements of a list with their lines; returns where the value ends."""
    depth, element, fresh = 0, 0, False
    for token in _TOKEN.finditer(text, at):
        word = token[0]
        if word == "\n" and depth == 0:
            return token.end()
        is_value = word.strip() != "" and word[0] not in "#],}\n"
        if fresh and depth == 1 and is_value:
            yield f"{path}[{element}]", text.count("\n", 0, token.start()) + 1
            element, fresh = element + 1, False
        if word in ("[", "{"):
            depth += 1
            fresh = fresh or (depth == 1 and word == "[")
        elif word in ("]", "}"):
            depth -= 1
        elif word == "," and depth == 1:
            fresh = element > 0
    return len(text)


def _next_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _plain(name: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in name.split("."))
