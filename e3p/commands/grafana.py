"""``e3p grafana``: what people look at in Grafana, as code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from e3p import options

if TYPE_CHECKING:
    from e3p.settings import Settings
    from grafana.push import Asked, Change, Step

app = typer.Typer(help="Dashboards and alert rules for Grafana, as code.", no_args_is_help=True)


@app.callback()
def grafana() -> None:
    """Dashboards and alert rules for Grafana, as code."""


@app.command()
def build(
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where to, if not where e3p keeps them.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Makes every file that Grafana is provisioned with: dashboards, alert rules, contact points."""
    from e3p.output import answer, print_json
    from grafana.build import write
    from grafana.bundle import PROVISIONING

    folder = out or PROVISIONING
    changed = write(folder)
    if json:
        print_json({"folder": str(folder), "written": [str(path) for path in changed]})
        return
    for path in changed:
        answer(f"written: {path}")
    if not changed:
        answer(f"nothing changed in {folder}")


@app.command()
def check(
    folder: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Which files, if not those of e3p.")
    ] = None,
    json: options.Json = False,
) -> int:
    """Holds built files against this e3p: fresh, complete, and asking only for what the store writes.

    Exit code 1 where one of them is not; each fault is one line that names dashboard, panel and field.
    """
    from e3p.output import answer, print_json
    from grafana.bundle import PROVISIONING
    from grafana.check import faults

    place = folder or PROVISIONING
    found = list(faults(place))
    if json:
        print_json({"folder": str(place), "faults": found})
    else:
        for fault in found or [f"{place}: fresh, and every name in it is one that the store writes"]:
            answer(fault)
    return 1 if found else 0


@app.command()
def push(
    url: Annotated[str | None, typer.Option(metavar="URL", help="The start page of a Grafana.")] = None,
    folder: Annotated[str | None, typer.Option(metavar="NAME", help="Where they go; made if new.")] = None,
    data_source: Annotated[
        str | None, typer.Option(metavar="UID", help="The data source there to use, if not e3p's own.")
    ] = None,
    with_data_source: Annotated[
        bool, typer.Option("--with-data-source", help="Make it from the store's settings (needs role Admin).")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Take ours where somebody changed a dashboard there.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    store: options.Store = None,
    config: options.Config = None,
    json: options.Json = False,
) -> int:
    """Brings the dashboards and alert rules to a Grafana that is there already; again it changes nothing.

    The token of a service account stands in E3P_GRAFANA_TOKEN, or in grafana.token_file's file. Exit code 1
    where Grafana is away or fails, or something was kept that somebody changed there.
    """
    from e3p.output import say
    from e3p.settings import load
    from grafana.bundle import read_bundle
    from telemetry.contract.errors import UserError

    try:
        from grafana.push import plan, refused
        from grafana.site import Site, Trouble
    except ModuleNotFoundError as error:
        raise UserError(f'{error.name} is not installed: pip install "e3p-fleet[grafana]"') from None
    settings = load(config, store=store, grafana__url=url, grafana__folder=folder)
    if settings.grafana.url is None:
        raise UserError("where is Grafana? --url https://HOST[:PORT], or grafana.url in e3p.toml")
    if data_source is not None and with_data_source:
        raise UserError("--data-source names one that is there, --with-data-source makes one: either of them")
    done: list[Change] = []
    try:
        with Site(settings.grafana.url, settings.grafana.secret(), settings.grafana.ca) as site:
            said = f"e3p: Grafana {site.version()} at {site.url}"
            steps = plan(site, read_bundle(), _asked(settings, data_source, overwrite, with_data_source))
            _run(steps, done, dry_run)
    except Trouble as trouble:
        say(f"e3p: {trouble}")
        return 1
    finally:
        _print(done, dry_run, json)
    say(said)
    return 1 if refused(done) else 0


def _run(steps: list[Step], done: list[Change], dry_run: bool) -> None:
    from grafana.push import carry_out

    if dry_run:
        done += [step.change for step in steps]
    else:
        carry_out(steps, done.append)


def _asked(settings: Settings, data_source: str | None, overwrite: bool, make: bool) -> Asked:
    from grafana.bundle import SOURCE
    from grafana.push import Asked

    source = _source(settings) if make else None
    return Asked(settings.grafana.folder, data_source or SOURCE, source, overwrite)


def _source(settings: Settings) -> dict[str, object]:
    """The store as a data source. Raises `UserError` for a store that Grafana cannot ask."""
    from grafana.bundle import SOURCE
    from telemetry.contract.errors import UserError
    from telemetry.store.influx.address import SCHEMES, Address

    url, token = settings.common.store, settings.common.store_secret()
    if url.partition("://")[0] not in SCHEMES or token is None:
        right = "an influxdb:// URL, and its token in E3P_STORE_TOKEN or store_token_file"
        raise UserError(f"--with-data-source: Grafana cannot ask the store {url!r}; {right}, are due")
    address = Address.parse(url)
    facts = {"version": "Flux", "organization": address.org, "defaultBucket": address.bucket}
    return {
        "uid": SOURCE,
        "name": "e3p",
        "type": "influxdb",
        "access": "proxy",
        "url": address.base,
        "jsonData": facts,
        "secureJsonData": {"token": token.reveal()},
    }


def _print(changes: list[Change], dry_run: bool, json: bool) -> None:
    from e3p.output import answer, print_json, print_table

    if not changes:
        return
    if json:
        print_json({"dry_run": dry_run, "changes": changes})
        return
    words = {"create": "would be made", "update": "would be changed"}
    if not dry_run:
        words = {"create": "made", "update": "changed"}
    shown = [(each.what, each.name, words.get(each.action, each.action), each.words) for each in changes]
    print_table(("what", "name", "", ""), shown, wrap=True)
    if all(each.action == "unchanged" for each in changes):
        answer("nothing changed" if not dry_run else "nothing would change")
