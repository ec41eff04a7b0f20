"""``e3p families``: do hybrid, distilled or plain models take less energy on a device, or get more right?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from e3p import options

if TYPE_CHECKING:
    from analyzer.families import Families


def families(
    device: Annotated[str | None, typer.Option(help="Only this kind of device.")] = None,
    dataset: options.Dataset = None,
    origin: options.Origin = "measured",
    store: options.Store = None,
    config: options.Config = None,
    json: options.Json = False,
) -> int:
    """Holds each family of models against all others, on each device: energy and accuracy, with intervals.

    Exit code 1 when no family can be held against others.
    """
    import anyio

    from analyzer.families import compare_families
    from e3p.output import print_json, say
    from e3p.published import published
    from e3p.ranked import read_tables
    from e3p.settings import load

    options.check_origin(origin)
    tables = anyio.run(read_tables, load(config, store=store))
    chosen = tables.of(dataset, origin, [device] if device else ())
    facts = published()
    found = [compare_families(trials, facts, chosen.excluded) for trials in chosen.trials.values()]
    if json:
        print_json({"families": found})
    else:
        for each in found:
            _print(each)
    if not found:
        say(f"no trials to compare; the store has {tables.words}")
    return 0 if any(each.effects for each in found) else 1


def _print(families: Families) -> None:
    from e3p.output import answer, origin_note, print_table
    from view.families import families_table, family_lines

    group = families.group
    batch = f"batch {families.batch_size}" if families.batch_size else None
    setting = ", ".join(part for part in (families.precision, batch, families.backend) if part)
    answer(f"\n{group.device}, {group.dataset}{origin_note(group.origin)}, {setting or 'unnamed setting'}")
    if families.effects:
        table = families_table(families)
        answer(table.caption)
        print_table(table.head, table.rows)
    for line in family_lines(families):
        answer(line)
