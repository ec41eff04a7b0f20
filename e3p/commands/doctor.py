"""``e3p doctor``: what this machine has, what is in the way, and how its sensors respond."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from e3p import options

if TYPE_CHECKING:
    from e3p.characterising import Characterised
    from e3p.finding import Finding
    from e3p.response import Near
    from edge_node.power.discover import TrialsOn
    from edge_node.settings import EdgeSettings


def doctor(
    characterise: Annotated[
        bool,
        typer.Option(
            "--characterise",
            help="Load this machine in a known rhythm instead, and measure how its sensors respond.",
        ),
    ] = False,
    seconds: Annotated[float, typer.Option(min=1, help="How long, for each sensor.")] = 30.0,
    device: Annotated[str, typer.Option(help="What to load: cpu or cuda.")] = "cpu",
    python: Annotated[
        str, typer.Option(metavar="PATH", help="The interpreter that has torch, for cuda.")
    ] = sys.executable,
    server: Annotated[bool, typer.Option("--server", help="The server side alone, without sensors.")] = False,
    store: options.Store = None,
    mqtt: options.Mqtt = None,
    config: options.Config = None,
    json: options.Json = False,
) -> int:
    """Tells whether the agent can do its work here: its sensors, its way to the broker, clock, disk.

    The sensors of the configuration are tried, else those that there are, and why each was passed over. Exit
    code 1 when a line begins with !!: what it tells is in the way. With --server: whether broker, collector
    and store do their work. With --characterise: a sensor's true update period, averaging window and delay,
    and what the configuration may say of them; exit code 1 when none responds.
    """
    from functools import partial

    import anyio

    from e3p.examination import examine
    from e3p.output import print_json
    from e3p.settings import load

    settings = load(config, level="error", store=store, mqtt=mqtt)
    if characterise:
        return _characterise(settings.edge, seconds, device, python, json=json)
    findings = anyio.run(partial(examine, settings, device=not server))
    if json:
        print_json({"findings": findings})
    else:
        _print(findings)
    return 1 if any(each.is_in_the_way for each in findings) else 0


def _print(findings: list[Finding]) -> None:
    from e3p.output import print_table

    print_table(
        ("", "what", "finding"),
        [(_sign(each), f"{each.topic} {each.name}".strip(), each.words) for each in findings],
        wrap=True,
    )


def _sign(finding: Finding) -> str:
    if finding.well:
        return "ok"
    return "!!" if finding.needed else "--"


def _characterise(edge: EdgeSettings, seconds: float, device: str, python: str, *, json: bool) -> int:
    from e3p.characterising import characterise, choose
    from e3p.output import print_json, say
    from edge_node.power.sensor import SensorError
    from telemetry.contract.errors import UserError

    on = _device(device)
    found = []
    for spec in choose(edge, on):
        say(f"{spec.driver}: a load on {on} is switched on and off for {seconds:g} s")
        try:
            found.append(characterise(spec, 1 / edge.trial_hz, seconds, on, python))
        except SensorError as error:
            raise UserError(f"sensor {spec.driver}: {error}") from None
    if json:
        print_json({"sensors": found})
    else:
        _print_responses(found)
    return 0 if any(each.unfit is None for each in found) else 1


def _device(name: str) -> TrialsOn:
    if name == "cpu":
        return "cpu"
    if name == "cuda":
        return "cuda"
    raise typer.BadParameter("cpu or cuda is expected", param_hint="--device")


def _print_responses(found: list[Characterised]) -> None:
    from e3p.output import number, print_table

    rows = []
    for each in found:
        if each.unfit is None:
            power = (
                f"{number(each.low_w, 3)} to {number(each.high_w, 3)} W, noise {number(each.noise_w, 2)} W"
            )
        else:
            power = each.unfit
        figures = (each.period_ms, each.averaging_window_ms, each.delay_ms)
        rows.append((f"{each.driver} ({each.stream})", *map(_near, figures), power))
    print_table(("sensor", "new every", "a mean over", "old when read", "power"), rows)
    for each in found:
        if each.unfit is None:
            typer.echo(f"\n[[edge.sensors]]\ndriver = {_toml(each.driver)}\nstream = {_toml(each.stream)}")
            told = ", ".join(f"{name} = {_toml(value)}" for name, value in each.options.items())
            typer.echo(f"options = {{ {told} }}")


def _near(near: Near | None) -> str | None:
    """Whole milliseconds where the error is one or more."""
    if near is None:
        return None
    digits = 0 if near.error >= 1 else 2
    return f"{near.value:.{digits}f} ± {near.error:.{digits}f} ms"


def _toml(value: str | float) -> str:
    """A value of TOML; strings and numbers are written as in JSON."""
    import json

    return json.dumps(value)
