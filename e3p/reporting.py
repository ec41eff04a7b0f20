"""Writes the report of a store: the one place that joins what the analyzer ranks with how it is shown."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio

from analyzer.devices import compare_all
from analyzer.families import compare_families
from analyzer.ranking import by_group
from analyzer.sam import ScoreUndefined
from analyzer.scoring import Score
from analyzer.screening import Thresholds, screen
from analyzer.standings import first_streams, rank_all
from e3p.published import candidates, netscores, published
from telemetry.contract.documents import Result
from telemetry.contract.errors import UserError
from telemetry.contract.ranking import Ranking
from telemetry.store.access import NOTHING, Access
from telemetry.store.open import opened_store
from view.answer import Answer
from view.gather import gather
from view.material import Choice, Findings, Material
from view.page import page
from view.render import render


async def write_report(url: str, out: Path, choice: Choice, score: Score, access: Access = NOTHING) -> Answer:
    """Writes the report of the results chosen to a file; returns what it answers. Raises `UserError`."""
    async with opened_store(url, create=False, access=access) as store:
        material = await gather(store, choice, partial(_rank, score))
    material = replace(material, findings=_findings(material, score))
    shown = page(material, time.time_ns())
    try:
        await anyio.Path(out).write_text(render(shown), encoding="utf-8")
    except OSError as error:
        raise UserError(f"--out {out}: {error.strerror}: name a file in a folder that exists") from None
    return shown.answer


def _findings(material: Material, score: Score) -> Findings:
    """What goes beyond one ranking, of the results in the report."""
    tables = {group: first_streams(trials) for group, trials in by_group(material.results).items()}
    facts = published()
    return Findings(
        screening=screen(candidates(), Thresholds()),
        comparisons=compare_all(tables, score, material.excluded).comparisons,
        families=[compare_families(trials, facts, material.excluded) for trials in tables.values()],
    )


def _rank(score: Score, results: Sequence[Result], excluded: Mapping[str, str]) -> list[Ranking]:
    try:
        return rank_all(results, score, excluded, netscores())
    except ScoreUndefined as error:
        raise UserError(str(error)) from None
