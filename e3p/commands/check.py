"""``e3p check``: may this result be published, and if not, why."""

from __future__ import annotations

from typing import Annotated

import typer

from e3p import options


def check(
    trials: Annotated[
        list[str] | None, typer.Argument(metavar="[TRIAL…]", help="Trials by id, or beginnings of them.")
    ] = None,
    group: Annotated[str | None, typer.Option(help="All trials of this campaign.")] = None,
    publishable: Annotated[
        bool, typer.Option("--publishable/--usable", help="Fit to publish, or good enough to decide by?")
    ] = True,
    every: Annotated[bool, typer.Option("--all", help="Show the rules that pass too.")] = False,
    store: options.Store = None,
    config: options.Config = None,
    json: options.Json = False,
) -> int:
    """Holds results against the rules of docs/check.md: what was found, what is needed, where that is from.

    A trial is judged with all others of its configuration. Exit code 1 when one may not be published (with
    `--usable`: not be used), or when there is nothing to judge.
    """
    import anyio

    from e3p.checking import checks_of, print_checks
    from e3p.output import print_json, say
    from e3p.settings import load

    if trials and group:
        raise typer.BadParameter("name trials or a campaign, not both", param_hint="--group")
    settings = load(config, store=store)
    checks = anyio.run(checks_of, settings, trials or [], group)
    if json:
        print_json(checks)
    else:
        print_checks(checks, publishable=publishable, everything=every)
    if not checks:
        say("there is no trial to judge: run `e3p trial` first")
    taken_out = [name for each in checks for name in each.excluded]
    named = any(name.startswith(word) for name in taken_out for word in trials or ())
    fit = all(each.publishable if publishable else each.usable for each in checks)
    return 0 if checks and fit and not named else 1
