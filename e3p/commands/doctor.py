"""``e3p doctor``: what this machine has, and what is in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from e3p import options

if TYPE_CHECKING:
    from e3p.examination import Finding


def doctor(
    store: options.Store = None,
    mqtt: options.Mqtt = None,
    config: options.Config = None,
    json: options.Json = False,
) -> int:
    """Tells which sensors there are and why each was taken or passed over; broker, store, clock, disk.

    Exit code 1 when no sensor can be used.
    """
    import anyio

    from e3p.examination import examine
    from e3p.output import print_json
    from e3p.settings import load

    findings = anyio.run(examine, load(config, level="error", store=store, mqtt=mqtt))
    if json:
        print_json({"findings": findings})
    else:
        _print(findings)
    return 0 if any(finding.topic == "sensor" and finding.well for finding in findings) else 1


def _print(findings: list[Finding]) -> None:
    from e3p.output import print_table

    print_table(
        ("", "what", "finding"),
        [("ok" if each.well else "--", f"{each.topic} {each.name}".strip(), each.words) for each in findings],
    )
    if not any(each.topic == "sensor" and each.well for each in findings):
        typer.echo("no sensor can be used: the lines above say what each would need")
