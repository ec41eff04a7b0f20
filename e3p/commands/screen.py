"""``e3p screen``: Stage 1, on paper: who passes the thresholds, in the order of NetScore."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from e3p import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analyzer.candidates import Candidate
    from analyzer.recount import Recounted
    from analyzer.screening import Screened, Screening
    from e3p.recounting import Uncounted

PRESET_NOTE = "the 13 names are recovered from public material; the paper does not confirm them"
NAMES = {"top1": "Top-1", "params": "parameters", "macs": "MACs"}
UNITS = {"top1": "points", "params": "M", "macs": "G"}


class Preset(str, Enum):
    """Sets of candidates that have a name."""

    E3P_VIT = "e3p-vit"


def screen(
    candidates: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV", help="Columns timm_name, top1_imagenet1k, params_m, gmacs; else 404 of timm."
        ),
    ] = None,
    min_top1: Annotated[float, typer.Option(help="Least Top-1 on ImageNet-1K, percent.")] = 79.0,
    max_params: Annotated[float, typer.Option(help="Parameters stay below, millions.")] = 23.0,
    max_macs: Annotated[float, typer.Option(help="Multiply-accumulates stay below, billions.")] = 5.0,
    preset: Annotated[
        Preset | None, typer.Option(help="Only the 13 models of the E3P-ViT paper, as far as they are known.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="List those that fail too, with what they miss.")
    ] = False,
    accuracy_exponent: Annotated[float, typer.Option(help="NetScore's weight of Top-1.")] = 2.0,
    params_exponent: Annotated[float, typer.Option(help="NetScore's weight of parameters.")] = 0.5,
    macs_exponent: Annotated[float, typer.Option(help="NetScore's weight of MACs.")] = 0.5,
    recompute: Annotated[
        bool, typer.Option("--recompute", help="Count parameters and MACs of those that pass anew.")
    ] = False,
    python: Annotated[
        str | None, typer.Option(metavar="PATH", help="The interpreter with torch and timm that counts.")
    ] = None,
    plan: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write those that pass as a plan for `e3p trial`.")
    ] = None,
    json: options.Json = False,
) -> int:
    """Screens candidates on paper: Top-1, size and work, ordered by NetScore. Exit code 1 when none passes.

    NetScore = 20·log10(Top-1² / (√parameters · √MACs)), with percent, millions and billions.
    """
    import sys

    from analyzer.sam import Exponents
    from analyzer.screening import Thresholds
    from analyzer.screening import screen as screened
    from e3p.output import print_json
    from e3p.published import candidates as read
    from e3p.shortlist import write_plan

    if preset and candidates:
        raise typer.BadParameter(
            "it names models of the packaged table: leave out --candidates", param_hint="--preset"
        )
    chosen = [each for each in read(candidates) if each.preset or not preset]
    thresholds = Thresholds(min_top1=min_top1, max_params=max_params, max_macs=max_macs)
    screening = screened(chosen, thresholds, Exponents(accuracy_exponent, params_exponent, macs_exponent))
    source = str(candidates) if candidates else "packaged table of timm models"
    counts = _counted(screening, chosen, python or sys.executable) if recompute else None
    if plan and screening.passing:
        write_plan(plan, screening)
    if json:
        print_json(as_document(screening, source, preset) | (counts or {}))
    else:
        print_screening(screening, source, preset, every=every)
        if counts:
            _print_counted(counts["recounted"], counts["not_counted"])
    return 0 if screening.passing else 1


def as_document(screening: Screening, source: str, preset: Preset | None = None) -> dict[str, Any]:
    """The outcome as one JSON object."""
    return {
        "thresholds": screening.thresholds,
        "exponents": screening.exponents._asdict(),
        "counts": {
            "candidates": len(screening.rows),
            "passing": len(screening.passing),
            "failing": len(screening.failing),
            "failing_on": screening.misses,
        },
        "source": source,
        "preset": preset.value if preset else None,
        "note": PRESET_NOTE if preset else None,
        "rows": screening.rows,
    }


def print_screening(
    screening: Screening, source: str, preset: Preset | None = None, *, every: bool = False
) -> None:
    """Those that pass as a table; those that fail as a table too, or in two lines."""
    from e3p.output import print_table

    limits = screening.thresholds
    typer.echo(
        f"{len(screening.passing)} of {len(screening.rows)} candidates ({source}) have "
        f"Top-1 ≥ {limits.min_top1:g}%, parameters < {limits.max_params:g} M and MACs < {limits.max_macs:g} G"
    )
    if preset:
        typer.echo(f"preset {preset.value}: {PRESET_NOTE}")
    columns = ("rank", "model", "image", "NetScore", "Top-1", "params (M)", "MACs (G)")
    if screening.passing:
        print_table(columns, map(_cells, screening.passing))
    if every and screening.failing:
        typer.echo(f"\n{len(screening.failing)} fail:")
        print_table((*columns[1:], "misses"), [(*_cells(row)[1:], _words(row)) for row in screening.failing])
    elif screening.failing:
        _summarise(screening)


def _counted(screening: Screening, chosen: Sequence[Candidate], python: str) -> dict[str, Any]:
    """Those that pass, counted by their own graphs."""
    from e3p.output import say
    from e3p.recounting import recounted

    passing = {(row.model, row.image_size): at for at, row in enumerate(screening.passing)}
    asked = [each for each in chosen if (each.model, each.image_size) in passing]
    asked.sort(key=lambda each: passing[each.model, each.image_size])
    say(f"counting {len(asked)} models, about half a second each")
    found, failed = recounted(asked, python)
    return {"recounted": found, "not_counted": failed}


def _print_counted(found: Sequence[Recounted], failed: Sequence[Uncounted]) -> None:
    from e3p.output import print_table

    typer.echo("\ncounted by the models' own graphs; the table against that:")
    columns = ("model", "params (M)", "table", "MACs (G)", "table", "of them attention", "why")
    print_table(
        columns,
        [
            (
                each.model,
                f"{each.params_m:.2f}",
                f"{100 * each.params_off:+.1f}%",
                f"{each.macs_g:.3f}",
                f"{100 * each.macs_off:+.1f}%",
                f"{100 * each.attention_macs_g / each.macs_g:.1f}%",
                "; ".join(each.why),
            )
            for each in found
        ],
    )
    for each in failed:
        typer.echo(f"not counted: {each.model}: {each.error}")


def _summarise(screening: Screening) -> None:
    from analyzer.screening import nearest_miss

    on = ", ".join(f"{count} on {NAMES[name]}" for name, count in screening.misses.items() if count)
    typer.echo(f"{len(screening.failing)} fail: {on} (some on several); --all lists them")
    if nearest := nearest_miss(screening):
        typer.echo(f"nearest to passing: {nearest.model} ({_words(nearest)})")


def _cells(row: Screened) -> tuple[object, ...]:
    return (
        row.rank,
        row.model,
        row.image_size,
        f"{row.netscore:.2f}",
        f"{row.top1_percent:.2f}%",
        f"{row.params_m:.2f}",
        f"{row.macs_g:.2f}",
    )


def _words(row: Screened) -> str:
    return ", ".join(
        f"{NAMES[miss.on]} {miss.by:g} {UNITS[miss.on]} too {'low' if miss.on == 'top1' else 'high'}"
        for miss in row.fails
    )
