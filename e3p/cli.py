"""The command line: which commands there are. What they do is in `e3p.commands`."""

from __future__ import annotations

import typer

from e3p.commands import (
    analyze,
    backup,
    campaign,
    check,
    clock,
    collect,
    config,
    dead,
    demo,
    devices,
    doctor,
    edge,
    energy,
    events,
    export,
    families,
    finetune,
    grafana,
    import_,
    ledger,
    live,
    meter,
    node,
    pki,
    rank,
    reanalyze,
    report,
    run,
    screen,
    serve,
    simulate,
    soak,
    store,
    suggest,
    trial,
    version,
)

app = typer.Typer(
    name="e3p",
    help="Which vision model should this edge device run for the energy it costs, and is the fleet healthy?",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for command in (
    demo,
    doctor,
    serve,
    edge,
    collect,
    analyze,
    live,
    screen,
    finetune,
    energy,
    rank,
    devices,
    families,
    suggest,
    report,
    export,
    check,
    ledger,
    events,
    reanalyze,
    clock,
    version,
):
    app.command()(getattr(command, command.__name__.rpartition(".")[2]))
app.command()(backup.backup)
app.command()(backup.restore)
# What stands behind the program is the program's own.
app.command(context_settings={"allow_interspersed_args": False})(run.run)
app.add_typer(trial.app, name="trial")
app.add_typer(campaign.app, name="campaign")
app.add_typer(import_.app, name="import")
app.add_typer(dead.app, name="dead")
app.add_typer(config.app, name="config")
app.add_typer(simulate.app, name="simulate")
app.add_typer(pki.app, name="pki")
app.add_typer(meter.app, name="meter")
app.add_typer(node.app, name="node")
app.add_typer(store.app, name="store")
app.add_typer(soak.app, name="soak")
app.add_typer(grafana.app, name="grafana")
