"""What this device is: kind, model, system, power mode, from files that every Linux or Jetson has.

`root` is the file system's, so that a tree of another machine can stand in.
"""

from __future__ import annotations

import hashlib
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from edge_node import jetson_context, jtop
from edge_node.boots import read_os_boot
from edge_node.jtop import Told
from edge_node.machine import Machine, read_machine
from edge_node.recorder import Stamp
from telemetry.contract.frames import ManifestFrame
from telemetry.contract.manifest import Device, StreamInfo
from telemetry.contract.units import MAX_TEXT

# The first text found in the device tree's `compatible` or `model` names the kind.
BOARDS = (
    ("p3767", "jetson-orin-nano-nx"),
    ("p3701", "jetson-agx-orin"),
    ("p3668", "jetson-xavier-nx"),
    ("p2888", "jetson-agx-xavier"),
    ("p2771", "jetson-tx2"),
    ("p3310", "jetson-tx2"),
    ("p3489", "jetson-tx2"),
    ("p3636", "jetson-tx2-nx"),
    ("p3448", "jetson-nano"),
    ("p3450", "jetson-nano"),
    ("p2371", "jetson-tx1"),
    ("raspberrypi,5", "raspberry-pi-5"),
    ("raspberrypi,4", "raspberry-pi-4"),
    ("raspberrypi,3", "raspberry-pi-3"),
    ("nvidia,tegra", "jetson"),
)
TREE = Path("proc/device-tree")
DMI = Path("sys/class/dmi/id")
NVIDIA = Path("proc/driver/nvidia")
HASH_LETTERS = 16
_NOTHING = Told()


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a manifest says beside its envelope; `hash` tells one context from another."""

    os_boot: str
    device: Device
    software: str
    streams: tuple[StreamInfo, ...]
    power_mode: str | None = None
    os: str | None = None
    jetpack: str | None = None
    driver: str | None = None
    machine: Machine = Machine()

    @property
    def hash(self) -> str:
        """Of everything but the kernel's boot: the same device in the same state has the same one."""
        told = msgspec.structs.replace(self, os_boot="")
        return hashlib.sha256(msgspec.msgpack.encode(told)).hexdigest()[:HASH_LETTERS]

    def manifest(self, stamp: Stamp) -> ManifestFrame:
        """The frame."""
        fields = msgspec.structs.asdict(self)
        fields.update(msgspec.structs.asdict(fields.pop("machine")))
        return ManifestFrame(**stamp._asdict(), hash=self.hash, **fields)


def read_context(streams: tuple[StreamInfo, ...], root: Path = Path("/")) -> Context:
    """The device as it is now, with these power streams."""
    told = jtop.ask() if root == Path("/") else Told()
    return Context(
        os_boot=read_os_boot(root),
        device=read_device(root, told),
        software=software(),
        streams=streams,
        power_mode=_power_mode(root, told),
        os=_os_name(root),
        jetpack=jetson_context.jetpack(root) or (told.jetpack and f"JetPack {told.jetpack}"),
        driver=_driver(root),
        machine=read_machine(root),
    )


def read_device(root: Path = Path("/"), told: Told = _NOTHING) -> Device:
    """Kind, model, and a hash of the serial number or machine id (the number itself stays here)."""
    tree_model = _text(root / TREE / "model")
    vendor, product = _text(root / DMI / "sys_vendor"), _text(root / DMI / "product_name")
    model = told.module or tree_model or " ".join(filter(None, (vendor, product))) or None
    serial = _first(root, TREE / "serial-number", DMI / "product_serial", Path("etc/machine-id"))
    return Device(
        kind=_kind(root, tree_model or ""),
        model=model and model[:MAX_TEXT],
        serial_hash=hashlib.sha256(serial.encode()).hexdigest()[:HASH_LETTERS] if serial else None,
    )


def software() -> str:
    """This program's name and version."""
    try:
        return f"e3p {version('e3p-fleet')}"
    except PackageNotFoundError:
        return "e3p"


def _kind(root: Path, tree_model: str) -> str:
    tree = f"{_text(root / TREE / 'compatible') or ''} {tree_model}".lower()
    for part, kind in BOARDS:
        if part in tree:
            return kind
    if gpu := _gpu(root):
        return gpu
    machine = platform.machine().lower() or "unknown"
    return {"x86_64": "x86", "amd64": "x86", "aarch64": "arm64"}.get(machine, machine) + "-cpu"


def _gpu(root: Path) -> str | None:
    """The first NVIDIA board's name as a kind: `NVIDIA GeForce RTX 3050 Laptop GPU` is `rtx-3050-laptop`."""
    for path in sorted((root / NVIDIA / "gpus").glob("*/information")):
        for line in (_text(path) or "").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "Model":
                plain = re.sub(r"\b(nvidia|geforce|gpu)\b", " ", value.lower())
                return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:64] or None
    return None


def _power_mode(root: Path, told: Told) -> str | None:
    """A Jetson's mode; elsewhere the platform's profile, or how the CPUs are governed."""
    return (
        jetson_context.power_mode(root)
        or told.power_mode
        or _first(
            root,
            Path("sys/firmware/acpi/platform_profile"),
            Path("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        )
    )


def _os_name(root: Path) -> str | None:
    release = _text(root / "etc/os-release") or ""
    name = re.search(r'^PRETTY_NAME="?([^"\n]*)', release, re.MULTILINE)
    return name[1][:MAX_TEXT] if name else None


def _driver(root: Path) -> str | None:
    found = re.search(r"Kernel Module[^\d\n]*([\d.]+)", _text(root / NVIDIA / "version") or "")
    return f"nvidia {found[1]}" if found else None


def _first(root: Path, *paths: Path) -> str | None:
    text = next(filter(None, (_text(root / path) for path in paths)), None)
    return text and text[:MAX_TEXT]


def _text(path: Path) -> str | None:
    """A small file's text, short enough for a frame; None where it is absent, secret or empty."""
    try:
        text = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        return None
    return text[:4096] or None
