"""A recording as the frames of a node: the same file always makes the same frames, so nothing doubles."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from edge_node.power.recording import Recording, blocks
from telemetry.contract import frames
from telemetry.contract.decode import receive
from telemetry.contract.encode import encode
from telemetry.contract.errors import Refused, UserError
from telemetry.contract.manifest import Device
from telemetry.contract.topics import is_node, stream_topic

DAY_NS = 86_400 * 1_000_000_000
HEALTH, MANIFEST, POWER = "health/agent", "manifest/agent", "power/main"


class Parcel(NamedTuple):
    """A frame ready to be sent: its stream's full name, its number, its payload."""

    stream: str
    seq: int
    topic: str
    payload: bytes


def boot_of(path: Path, node: str) -> str:
    """The boot of a file imported for a node: the same file makes the same frames, so nothing doubles."""
    return hashlib.blake2b(path.read_bytes() + b"\0" + node.encode(), digest_size=8).hexdigest()


def parcels(recording: Recording, node: str, boot: str, device: str) -> list[Parcel]:
    """All frames of a recording: its manifest, its power, and a last health report that accounts for them."""
    if not is_node(node):
        raise UserError(f"--node {node!r}: 1-64 of A-Z a-z 0-9 _ - are expected, and not 'fleet'")
    if not len(recording):
        raise UserError("the recording holds no reading: nothing to import")
    power = list(_power(recording, boot))
    manifest = _manifest(recording, boot, device)
    ticks = sum(frame.samples + frame.missed for frame in power)
    streams = (
        _account(boot, POWER, len(power), ticks),
        _account(boot, MANIFEST, 1, 0),
        _account(boot, HEALTH, 1, 0),
    )
    health = frames.HealthFrame(
        v=frames.VERSION, boot=boot, seq=0, anchor=0, t0=recording.times_ns[-1], streams=streams
    )
    made: list[tuple[str, frames.Frame]] = [
        (MANIFEST, manifest),
        *((POWER, frame) for frame in power),
        (HEALTH, health),
    ]
    found = [_parcel(node, stream, frame) for stream, frame in made]
    _check(found[0], device)
    return found


def _check(manifest: Parcel, device: str) -> None:
    """What a person typed rests in the manifest: better refused here than in quarantine."""
    try:
        receive(manifest.topic, manifest.payload)
    except Refused as reason:
        raise UserError(f"--device {device[:80]!r}: {reason.words}") from None


def _power(recording: Recording, boot: str) -> Iterator[frames.PowerFrame]:
    for seq, block in enumerate(blocks(recording)):
        yield frames.PowerFrame(
            v=frames.VERSION,
            boot=boot,
            seq=seq,
            anchor=0,
            t0=block.t0,
            dt=block.dt,
            tick=block.tick,
            ch=block.ch,
            w=block.w,
            first=block.first,
            missed=block.missed,
        )


def _manifest(recording: Recording, boot: str, device: str) -> frames.ManifestFrame:
    """It holds from a day before, so that windows which begin before the first reading have it too."""
    info = recording.info()
    told = _name_of(device, info.sensor, *info.channels)
    return frames.ManifestFrame(
        v=frames.VERSION,
        boot=boot,
        seq=0,
        anchor=0,
        t0=recording.times_ns[0] - DAY_NS,
        os_boot=boot,
        device=Device(kind=device),
        software="e3p-import",
        hash=told,
        streams=(info,),
    )


def _name_of(*words: str) -> str:
    """A short name for what the words say together."""
    return hashlib.blake2b("\0".join(words).encode(), digest_size=8).hexdigest()


def _account(boot: str, stream: str, made: int, ticks: int) -> frames.StreamHealth:
    return frames.StreamHealth(
        boot=boot, stream=stream, next_seq=made, spooled=(), declared_lost=(), ticks=ticks, final=True
    )


def _parcel(node: str, stream: str, frame: frames.Frame) -> Parcel:
    return Parcel(stream, frame.seq, stream_topic(node, stream), encode(frame))
