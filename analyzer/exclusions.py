"""Trials that a person took out of the rankings, with the reason; they stay visible, and may come back."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import msgspec

from analyzer.revisions import put_next, result_of
from telemetry.contract.documents import Exclusion
from telemetry.contract.errors import UserError
from telemetry.store.interface import Revision

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry.store.interface import Store

KIND = "excluded"
MOST_NAMED = 3


async def read_exclusions(store: Store) -> dict[str, str]:
    """The trials that are excluded now, and why."""
    found = [_exclusion_of(revision) for revision in await store.latest(KIND)]
    return {each.trial: each.reason for each in found if each.excluded}


async def exclude(store: Store, trial: str, reason: str, now_ns: int) -> str:
    """Takes a trial out of the rankings; its whole id comes back. `trial` may be the id's beginning.

    Raises:
        UserError: an empty reason, an unknown trial, or a beginning of several.
    """
    if not reason.strip():
        raise UserError("--reason is empty: say why this trial is left out, whoever reads a ranking sees it")
    known = await _known(store)
    name = find_trial(trial, known)
    await _put(store, Exclusion(trial=name, excluded=True, reason=reason.strip(), at=now_ns), known[name])
    return name


async def include(store: Store, trial: str, now_ns: int) -> str:
    """Takes an excluded trial back into the rankings; its whole id comes back.

    Raises:
        UserError: a trial that is not excluded, or a beginning of several.
    """
    excluded = await read_exclusions(store)
    name = find_trial(trial, dict.fromkeys(excluded), what="excluded trial")
    await _put(store, Exclusion(trial=name, excluded=False, reason=excluded[name], at=now_ns), None)
    return name


async def _known(store: Store) -> dict[str, str | None]:
    """Every trial that has a result, and its node."""
    results = map(result_of, await store.latest("result"))
    return {result.window: result.node for result in results if result.kind == "trial"}


def find_trial(words: str, known: Mapping[str, object], what: str = "trial") -> str:
    """The whole id of a trial, given it or its beginning. Raises `UserError` where it is none or several."""
    if words in known:
        return words
    found = sorted(name for name in known if words and name.startswith(words))
    if len(found) == 1:
        return found[0]
    if found:
        raise UserError(
            f"{words!r} begins {len(found)} trials: {', '.join(found[:MOST_NAMED])}; give more of it"
        )
    near = difflib.get_close_matches(words, known, MOST_NAMED) or sorted(known)[:MOST_NAMED]
    there = f"near it, or the first, are {', '.join(near)}" if near else "there is none yet"
    raise UserError(f"there is no {what} {words!r}: {there}")


async def _put(store: Store, exclusion: Exclusion, node: str | None) -> None:
    """Stores the next revision; the same word twice is one."""
    held = {revision.id: revision for revision in await store.latest(KIND)}.get(exclusion.trial)
    said = Revision(
        kind=KIND,
        id=exclusion.trial,
        revision=1,
        node=held.node if held else node,
        doc=msgspec.json.encode(exclusion),
    )
    await put_next(store, said, held)


def _exclusion_of(revision: Revision) -> Exclusion:
    return msgspec.json.decode(revision.doc, type=Exclusion)
