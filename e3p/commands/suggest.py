"""``e3p suggest``: what to measure next on a device, by a prediction from what is known on paper."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from e3p import options

if TYPE_CHECKING:
    from analyzer.suggesting import Suggestion, Suggestions
    from telemetry.contract.ranking import RankingGroup


class Order(str, Enum):
    """What makes a candidate worth measuring."""

    GAIN = "gain"
    UNCERTAINTY = "uncertainty"


def suggest(
    device: Annotated[str | None, typer.Option(help="Only this kind of device.")] = None,
    dataset: options.Dataset = None,
    origin: options.Origin = "measured",
    candidates: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Candidates to choose from, as for `e3p screen`; else 404 of timm."),
    ] = None,
    by: Annotated[
        Order, typer.Option(help="Largest expected gain in SAM first, or what is least sure.")
    ] = Order.GAIN,
    top: Annotated[int, typer.Option(min=1, help="So many suggestions.")] = 10,
    a: options.ExponentA = 5.0,
    b: options.ScaleB = 5.0,
    unit: options.Unit = "J",
    store: options.Store = None,
    config: options.Config = None,
    json: options.Json = False,
) -> int:
    """Suggests which candidate to measure next, by energies PREDICTED from parameters, MACs and family.

    Of those that pass Stage 1; nothing of it enters a ranking. Exit code 1 when there is nothing to suggest.
    """
    import anyio

    from analyzer.screening import Thresholds, screen
    from analyzer.suggesting import suggest as suggested
    from e3p import published
    from e3p.output import print_json
    from e3p.ranked import read_tables
    from e3p.settings import load
    from telemetry.contract.errors import UserError

    options.check_origin(origin)
    score = options.score(a, b, unit)
    pool = published.candidates(candidates)
    passing = {(row.model, row.image_size) for row in screen(pool, Thresholds()).passing}
    chosen = [each for each in pool if (each.model, each.image_size) in passing]
    facts = published.published() | ({each.model: each for each in pool} if candidates else {})
    tables = anyio.run(read_tables, load(config, store=store))
    own = tables.of(dataset, origin, [device] if device else ())
    found, refused = [], []
    for group, trials in own.trials.items():
        try:
            found.append(_ordered(suggested(trials, chosen, facts, score, own.excluded), by, top))
        except UserError as error:
            refused.append(f"{_named(group)}: {error}")
    if not found:
        raise UserError("; ".join(refused) or f"no trials to learn from; the store has {tables.words}")
    if json:
        print_json({"suggestions": found, "refused": refused})
    else:
        _print(found, refused, by)
    return 0 if any(each.rows for each in found) else 1


def _ordered(found: Suggestions, by: Order, top: int) -> Suggestions:
    import msgspec

    rows = found.rows
    if by is Order.UNCERTAINTY:
        rows = tuple(sorted(rows, key=lambda each: (-each.spread, each.model)))
    return msgspec.structs.replace(found, rows=rows[:top])


def _named(group: RankingGroup) -> str:
    from e3p.output import origin_note

    mode = f" in mode {group.power_mode}" if group.power_mode else ""
    return f"{group.device}{mode} with {group.dataset}{origin_note(group.origin)}"


def _print(found: list[Suggestions], refused: list[str], by: Order) -> None:
    from math import exp

    from e3p.output import answer, number, print_table, say

    for each in found:
        answer(
            f"\n{_named(each.group)}: PREDICTED from {each.models} models of {each.families} families, by "
            f"{'expected gain' if by is Order.GAIN else 'uncertainty'}; measured best: {each.best} "
            f"(SAM {number(each.best_sam)})"
        )
        answer(
            f"for a family that was left out, the prediction was wrong by a factor of {exp(each.error):.2f} "
            "(rms); the intervals rest on that"
        )
        energy = f"predicted {each.unit} per 1,000"
        head = (
            "model",
            "image",
            energy,
            "95 %",
            "Top-1 (published)",
            "predicted SAM",
            "P(beats best)",
            "gain",
            "family",
        )
        print_table(head, map(_cells, each.rows))
        if each.rows and each.rows[0].gain is None:
            answer("no gain is told: what is published of accuracy is of ImageNet-1K, or 1 unit is too large")
        if each.unknown:
            answer(f"not learned from, no table knows them: {', '.join(each.unknown)}")
    for line in refused:
        say(line)


def _cells(row: Suggestion) -> tuple[object, ...]:
    from e3p.output import number

    return (
        row.model,
        row.image_size,
        number(row.energy, 3),
        f"{number(row.energy_lo, 3)} - {number(row.energy_hi, 3)}",
        f"{row.top1_percent:.2f}%",
        number(row.sam, 3),
        None if row.p_better is None else f"{row.p_better:.2f}",
        None if row.gain is None else f"{100 * row.gain:.1f}%",
        f"{row.family or 'unknown'}{'' if row.family_measured else ' (not measured)'}",
    )
