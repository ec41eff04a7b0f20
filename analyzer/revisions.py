"""Revisions: a result is written again only when it says something else, and says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from telemetry.contract.documents import Result
from telemetry.store.interface import Revision

if TYPE_CHECKING:
    from telemetry.store.interface import Store

INTERVAL = "interval"
"""The kind under which stores keep minutes of work: there are many, and no program holds all of them."""
_RECORD = {"revision": 0, "reason": None, "computed_at": None}
"""The record of when and why: the only fields of a result that are not a function of what is stored."""


def result_id(result: Result) -> str:
    """The id of a result in the store: one for each window and stream of a node, or of a meter at it."""
    return f"{result.node}/{result.window}/{result.source}"


def kind_of(result: Result) -> str:
    """The kind under which stores keep a result."""
    return "result" if result.app is None else INTERVAL


def revise(new: Result, old: Result | None, reason: str, now_ns: int) -> Result | None:
    """The next revision, or None where nothing but the record would change."""
    if old is not None and _content(new) == _content(old):
        return None
    revision = old.revision + 1 if old else 1
    return msgspec.structs.replace(new, revision=revision, reason=reason, computed_at=now_ns)


def changes(new: Result, old: Result) -> list[str]:
    """The names of the fields that differ, record aside."""
    return [name for name in _content(new) if _content(new)[name] != _content(old)[name]]


def as_revision(result: Result) -> Revision:
    """The result as the store takes it: minutes of work are apart from all else."""
    return Revision(
        kind=kind_of(result),
        id=result_id(result),
        revision=result.revision,
        node=result.node,
        doc=msgspec.json.encode(result),
    )


def result_of(revision: Revision) -> Result:
    """The result in a stored revision."""
    return msgspec.json.decode(revision.doc, type=Result)


async def put_next(store: Store, new: Revision, held: Revision | None) -> Revision | None:
    """Stores a document as the next revision of the one held; None where that says the same.

    When it was said (`at`) makes no document a new one.

    Raises:
        ValueError: another program stored one meanwhile.
    """
    if held is not None and (held.doc == new.doc or _said(held) == _said(new)):
        return None
    numbered = msgspec.structs.replace(new, revision=held.revision + 1 if held else 1)
    await store.put([numbered])
    return numbered


def _said(revision: Revision) -> dict[str, object]:
    return {**msgspec.json.decode(revision.doc, type=dict), "at": None}


def _content(result: Result) -> dict[str, object]:
    return {**msgspec.structs.asdict(result), **_RECORD}
