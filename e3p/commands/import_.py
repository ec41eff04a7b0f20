"""``e3p import``: recorded logs through the same pipeline as live devices."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from e3p import options

if TYPE_CHECKING:
    from e3p.settings import Settings
    from edge_node.power.recording import Recording

app = typer.Typer(help="Recorded logs through the same pipeline.", no_args_is_help=True)

Node = Annotated[str, typer.Option(help="The node that the recording becomes.")]
Begin = Annotated[
    list[str] | None, typer.Option(metavar="TIME", help="A window's begin; give one for each --end.")
]
End = Annotated[
    list[str] | None, typer.Option(metavar="TIME", help="A window's end, also MM-DD-YYYY HH:MM:SS.mmm.")
]
Zone = Annotated[str, typer.Option(metavar="ZONE", help="The zone of stamps that name none.")]
Device = Annotated[str, typer.Option(help="The kind of device that was recorded.")]


@app.callback()
def import_() -> None:
    """Recorded logs through the same pipeline as live devices.

    Prints the energy of the windows; without --begin and --end, of all of the log. Alone it runs the whole
    line in this process, into --store; with --mqtt it sends to a collector elsewhere. The same file twice
    changes nothing. Exit code 1 when a result is invalid.
    """


@app.command()
def ptd(
    file: Annotated[Path, typer.Argument(help="A log of SPEC PTDaemon.")],
    node: Node,
    begin: Begin = None,
    end: End = None,
    tz: Zone = "UTC",
    device: Device = "recorded",
    store: options.Store = None,
    mqtt: options.Mqtt = None,
    config: options.Config = None,
    json: options.Json = False,
) -> int:
    """Imports a log of a wall meter under SPEC PTDaemon, as MLPerf Power keeps them."""
    from e3p.settings import load
    from edge_node.power import ptdaemon

    settings = load(config, store=store, mqtt=mqtt)
    recording = ptdaemon.read(file, tz)
    return _import(file, recording, settings, _Ask(node, device, begin or [], end or [], tz, json))


@app.command()
def tegrastats(
    file: Annotated[Path, typer.Argument(help="What `tegrastats` wrote on a Jetson.")],
    node: Node,
    start: Annotated[
        str | None, typer.Option(metavar="TIME", help="When it began, for lines without times (JetPack 4).")
    ] = None,
    interval: Annotated[
        float | None, typer.Option(metavar="MS", min=1, help="tegrastats' own --interval, with --start.")
    ] = None,
    begin: Begin = None,
    end: End = None,
    tz: Zone = "UTC",
    device: Device = "recorded",
    store: options.Store = None,
    mqtt: options.Mqtt = None,
    config: options.Config = None,
    json: options.Json = False,
) -> int:
    """Imports a log of tegrastats: the board's total and its parts, of any JetPack."""
    from e3p.settings import load
    from e3p.times import parse_time, parse_zone
    from edge_node.power import tegrastats as log

    settings = load(config, store=store, mqtt=mqtt)
    start_ns = None if start is None else parse_time(start, parse_zone(tz))
    recording = log.read(file, tz, start_ns, interval)
    return _import(file, recording, settings, _Ask(node, device, begin or [], end or [], tz, json))


@app.command()
def nvidia_smi(
    file: Annotated[Path, typer.Argument(help="What `nvidia-smi --query-gpu=… --format=csv -lms …` wrote.")],
    node: Node,
    gpu: Annotated[
        str | None, typer.Option(metavar="GPU", help="Its index or UUID, where the log has several.")
    ] = None,
    query: Annotated[
        str | None,
        typer.Option(metavar="COLUMNS", help="What --query-gpu was, for a log without a header."),
    ] = None,
    begin: Begin = None,
    end: End = None,
    tz: Zone = "UTC",
    device: Device = "recorded",
    store: options.Store = None,
    mqtt: options.Mqtt = None,
    config: options.Config = None,
    json: options.Json = False,
) -> int:
    """Imports the power of one GPU from a log of nvidia-smi. Its stamps are local time: see --tz."""
    from e3p.settings import load
    from edge_node.power import nvidiasmi

    settings = load(config, store=store, mqtt=mqtt)
    recording = nvidiasmi.read(file, tz, gpu, query)
    return _import(file, recording, settings, _Ask(node, device, begin or [], end or [], tz, json))


class _Ask(NamedTuple):
    """What all imports are asked for."""

    node: str
    device: str
    begins: list[str]
    ends: list[str]
    tz: str
    json: bool


def _import(file: Path, recording: Recording, settings: Settings, ask: _Ask) -> int:
    import anyio

    from e3p.importing import Job, import_recording
    from e3p.recordings import boot_of, parcels
    from e3p.results import print_results

    windows = _windows(ask.begins, ask.ends, ask.tz) or [(recording.times_ns[0], recording.times_ns[-1])]
    boot = boot_of(file, ask.node)
    job = Job(ask.node, boot, parcels(recording, ask.node, boot, ask.device), windows)
    results = anyio.run(import_recording, job, settings)
    _tell(recording)
    return print_results(results, json=ask.json)


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
