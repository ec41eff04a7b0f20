"""``e3p devices``: does one device's order hold on another, and what does carrying its pick over cost?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from e3p import options

if TYPE_CHECKING:
    from analyzer.devices import Compared
    from analyzer.scoring import Score
    from e3p.ranked import Tables


def devices(
    device: Annotated[
        list[str] | None, typer.Option(help="Only this kind of device; give it once for each.")
    ] = None,
    dataset: options.Dataset = None,
    origin: options.Origin = "measured",
    a: options.ExponentA = 5.0,
    b: options.ScaleB = 5.0,
    unit: options.Unit = "J",
    best_settings: Annotated[
        bool,
        typer.Option("--best-settings", help="Compare models, on each device in the setting best there."),
    ] = False,
    table: options.Csv = False,
    store: options.Store = None,
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """Compares devices that measured the same models: how alike the orders are, what another's pick costs."""
    import anyio

    from e3p.comparing import print_comparison, print_csv
    from e3p.output import print_json, say
    from e3p.ranked import read_tables
    from e3p.settings import load

    options.check_output(json=json, csv=table)
    options.check_origin(origin)
    score = options.score(a, b, unit)
    tables = anyio.run(read_tables, load(config, store=store))
    found = _comparisons(tables.of(dataset, origin, device or ()), tables, score, best_settings=best_settings)
    if json:
        print_json({"comparisons": found.comparisons, "refused": found.refused})
    elif table:
        print_csv(found.comparisons)
    else:
        for comparison in found.comparisons:
            print_comparison(comparison)
    for reason in found.refused:
        say(reason)


def _comparisons(chosen: Tables, there: Tables, score: Score, *, best_settings: bool) -> Compared:
    """One comparison for each data set and origin of two devices or more.

    Raises `UserError` where there is none: with the reason, and what there is.
    """
    from analyzer.devices import compare_all
    from telemetry.contract.errors import UserError

    found = compare_all(chosen.trials, score, chosen.excluded, best_settings=best_settings)
    if not found.comparisons:
        raise UserError(f"{found.refused[0]}; the store has {there.words}")
    return found
