"""``e3p import``: recorded logs through the same pipeline as live devices."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from e3p import options

if TYPE_CHECKING:
    from edge_node.power.recording import Recording

app = typer.Typer(help="Recorded logs through the same pipeline.", no_args_is_help=True)


@app.callback()
def import_() -> None:
    """Recorded logs through the same pipeline as live devices."""


@app.command()
def ptd(
    file: Annotated[Path, typer.Argument(help="A log of SPEC PTDaemon.")],
    node: Annotated[str, typer.Option(help="The node that the recording becomes.")],
    begin: Annotated[
        list[str] | None, typer.Option(metavar="TIME", help="A window's begin; give one for each --end.")
    ] = None,
    end: Annotated[
        list[str] | None, typer.Option(metavar="TIME", help="A window's end, also MM-DD-YYYY HH:MM:SS.mmm.")
    ] = None,
    tz: Annotated[str, typer.Option(metavar="ZONE", help="The zone of stamps that name none.")] = "UTC",
    device: Annotated[str, typer.Option(help="The kind of device that was recorded.")] = "recorded",
    store: options.Store = None,
    mqtt: options.Mqtt = None,
    config: options.Config = None,
    json: options.Json = False,
) -> int:
    """Imports a power log and prints the energy of its windows; without --begin and --end, of all of it.

    Alone it runs the whole line in this process, into --store; with --mqtt it sends to a collector elsewhere.
    The same file twice changes nothing. Exit code 1 when a result is invalid.
    """
    import anyio

    from e3p.importing import Job, import_recording
    from e3p.recordings import boot_of, parcels
    from e3p.results import print_results
    from e3p.settings import load
    from edge_node.power import ptdaemon

    settings = load(config, store=store, mqtt=mqtt)
    recording = ptdaemon.read(file, tz)
    windows = _windows(begin or [], end or [], tz) or [(recording.times_ns[0], recording.times_ns[-1])]
    boot = boot_of(file, node)
    job = Job(node, boot, parcels(recording, node, boot, device), windows)
    results = anyio.run(import_recording, job, settings)
    _tell(recording)
    return print_results(results, json=json)


def _windows(begins: list[str], ends: list[str], tz: str) -> list[tuple[int, int]]:
    from e3p.times import parse_time, parse_zone
    from telemetry.contract.errors import UserError

    if len(begins) != len(ends):
        raise UserError(f"{len(begins)} --begin and {len(ends)} --end: give one --end for each --begin")
    zone = parse_zone(tz)
    windows = [(parse_time(b, zone), parse_time(e, zone)) for b, e in zip(begins, ends, strict=True)]
    for (first, last), b, e in zip(windows, begins, ends, strict=True):
        if last <= first:
            raise UserError(f"--begin {b} --end {e}: a window ends after it begins")
    return windows


def _tell(recording: Recording) -> None:
    """What was odd about the file; nothing of it is dropped in silence."""
    from e3p.output import say

    notes = {
        "error values of the meter (no reading)": recording.errors,
        "stamps equal to the one before (moved by 1 ns)": recording.nudged,
        "last line cut short (left out)": recording.truncated,
    }
    say(f"{len(recording)} readings, one each {recording.tick_ns / 1e9:g} s")
    for words, count in notes.items():
        if count:
            say(f"  {count} {words}")
