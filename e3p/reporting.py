"""Writes the report of a store: the one place that joins what the analyzer ranks with how it is shown."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import anyio

from analyzer.sam import ScoreUndefined
from analyzer.scoring import Score
from analyzer.standings import rank_all
from e3p.published import netscores
from telemetry.contract.documents import Result
from telemetry.contract.errors import UserError
from telemetry.contract.ranking import Ranking
from telemetry.store.access import NOTHING, Access
from telemetry.store.open import opened_store
from view.answer import Answer
from view.gather import gather
from view.material import Choice
from view.page import page
from view.render import render


async def write_report(url: str, out: Path, choice: Choice, score: Score, access: Access = NOTHING) -> Answer:
    """Writes the report of the results chosen to a file; returns what it answers. Raises `UserError`."""
    async with opened_store(url, create=False, access=access) as store:
        material = await gather(store, choice, partial(_rank, score))
    shown = page(material, time.time_ns())
    try:
        await anyio.Path(out).write_text(render(shown), encoding="utf-8")
    except OSError as error:
        raise UserError(f"--out {out}: {error.strerror}: name a file in a folder that exists") from None
    return shown.answer


def _rank(score: Score, results: Sequence[Result], excluded: Mapping[str, str]) -> list[Ranking]:
    try:
        return rank_all(results, score, excluded, netscores())
    except ScoreUndefined as error:
        raise UserError(str(error)) from None
