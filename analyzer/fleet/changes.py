"""What changed between two manifests, in words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from telemetry.contract.frames import ManifestFrame

FIELDS = (
    "software",
    "power_mode",
    "driver",
    "jetpack",
    "os",
    "kernel",
    "governor",
    "clock_limits_mhz",
    "cpu",
    "cpus",
    "memory_mib",
)
"""What is named where it differs, the likeliest cause of another energy first."""


def what_changed(old: ManifestFrame, new: ManifestFrame) -> str | None:
    """The fields that differ, as ``software 1.4 → 1.5``, and both hashes; None: they are the same."""
    if old.hash == new.hash:
        return None
    parts = [_change(name, getattr(old, name), getattr(new, name)) for name in FIELDS]
    parts.append(_change("sensors", *([each.sensor for each in told.streams] for told in (old, new))))
    named = ", ".join(filter(None, parts))
    return f"{named} (manifest {old.hash} → {new.hash})".lstrip()


def _change(name: str, old: object, new: object) -> str:
    return "" if old == new else f"{name} {_word(old)} → {_word(new)}"


def _word(value: object) -> str:
    return "none" if value is None else ", ".join(value) if isinstance(value, list) else str(value)
