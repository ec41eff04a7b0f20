"""``e3p pki``: certificates for broker, server and nodes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from e3p import options

if TYPE_CHECKING:
    from e3p.pki.folder import Pki

YEAR = 365
LEAF_DAYS = 2 * YEAR
AUTHORITY_DAYS = 20 * YEAR

Dir = Annotated[Path, typer.Option("--dir", metavar="DIR", help="The authority's folder.")]
Days = Annotated[int, typer.Option(min=1, max=AUTHORITY_DAYS, help="How long a certificate is valid.")]
Renew = Annotated[bool, typer.Option("--renew", help="Put another in the place of the one that is there.")]
Hosts = Annotated[
    list[str] | None,
    typer.Option(
        "--host", metavar="HOST", help="A name or address that clients know the broker by; repeat it."
    ),
]

app = typer.Typer(help="Certificates for broker, server and nodes.", no_args_is_help=True)


@app.callback()
def pki() -> None:
    """Certificates for a broker with TLS, for the server's programs and for each node."""


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="A folder for all of it.")] = Path("pki"),
    hosts: Hosts = None,
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="The port that the broker will listen on.")
    ] = 8883,
    days: Days = LEAF_DAYS,
    ca_days: Annotated[
        int, typer.Option(min=1, max=10 * AUTHORITY_DAYS, help="How long the authority is valid.")
    ] = AUTHORITY_DAYS,
) -> None:
    """Makes an authority, the broker's and the server's certificate, and Mosquitto's settings and rights."""
    made = _pki(folder)
    made.create(_named(hosts), port, days, ca_days)
    typer.echo(
        f"authority   {folder / 'ca.pem'} (its key signs everything: keep {folder / 'ca.key'} to yourself)"
    )
    typer.echo(f"broker      {made.broker}: mosquitto -c {made.broker / 'mosquitto.conf'}")
    typer.echo(f"server      {folder / 'server'}: copy it to /etc/e3p on the server")
    typer.echo(f"next        e3p pki node NAME --dir {folder}, for each device")


@app.command()
def node(
    names: Annotated[list[str], typer.Argument(metavar="NAME…", help="The nodes' names in topics.")],
    folder: Dir = Path("pki"),
    days: Days = LEAF_DAYS,
    renew: Renew = False,
) -> None:
    """Makes the folder of a node: its certificate, key, authority and settings, to copy to the device."""
    for name in names:
        made = _pki(folder).issue_client(name, "node", days, renew=renew)
        typer.echo(f"{made}: copy it to /etc/e3p on the device {name}")


@app.command()
def server(folder: Dir = Path("pki"), days: Days = LEAF_DAYS, renew: Renew = False) -> None:
    """Makes the certificate of collector, analyzer and the commands on the server once more."""
    from e3p.pki.templates import SERVER

    made = _pki(folder).issue_client(SERVER, "server", days, renew=renew)
    typer.echo(f"{made}: copy it to /etc/e3p on the server")


@app.command()
def broker(
    hosts: Hosts = None, folder: Dir = Path("pki"), days: Days = LEAF_DAYS, renew: Renew = False
) -> None:
    """Makes the broker's certificate once more, for the same names or for those of --host."""
    made = _pki(folder).issue_broker(_named(hosts), days, renew=renew)
    typer.echo(f"{made}: copy it to the broker, and send Mosquitto a SIGHUP")


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A node's name, or e3p-server.")],
    folder: Dir = Path("pki"),
) -> None:
    """Takes a certificate back: the broker refuses it once it has the new list."""
    made = _pki(folder)
    kept = made.revoke(name)
    typer.echo(f"{made.broker / 'crl.pem'}: copy it to the broker, and start Mosquitto again")
    typer.echo(f"{kept}: what was taken back; `e3p pki node {name}` makes another")


@app.command(name="list")
def list_(folder: Dir = Path("pki"), json: options.Json = False) -> int:
    """Lists the certificates and when they expire. Exit code 1 when one has."""
    import time

    from e3p.output import print_json, print_table
    from e3p.times import show_time
    from telemetry.contract.nodetime import to_ns

    now_s = time.time()
    entries = list(_pki(folder).entries())
    rows = [
        (own.name, own.unit or "authority", to_ns(own.expires_s), own.days_left(now_s), str(path))
        for path, own in entries
    ]
    if json:
        fields = ("name", "unit", "expires", "days_left", "path")
        print_json({"certificates": [dict(zip(fields, row, strict=True)) for row in rows]})
    else:
        shown = [(name, unit, show_time(expires), *rest) for name, unit, expires, *rest in rows]
        print_table(("name", "for", "expires", "days left", "file"), shown)
    return 1 if any(each.certificate.expires_s <= now_s for each in entries) else 0


def _pki(folder: Path) -> Pki:
    from datetime import datetime, timezone

    from telemetry.contract.errors import UserError

    try:
        from e3p.pki.folder import Pki
    except ModuleNotFoundError as error:
        if error.name != "cryptography":
            raise
        raise UserError('e3p pki needs the server\'s packages: pip install "e3p-fleet[server]"') from None
    return Pki(folder, datetime.now(timezone.utc))


def _named(hosts: list[str] | None) -> list[str]:
    """The hosts, when each can be one."""
    from telemetry.contract.errors import UserError
    from telemetry.runtime.address import is_host

    for host in hosts or ():
        if not is_host(host):
            raise UserError(f"--host {host!r}: a host name or IP address is expected")
    return hosts or []
