"""The manifest: what a node is, and what each of its power streams can be trusted to say."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

Role = Literal["device", "part", "external"]
Origin = Literal["measured", "estimated", "replayed", "synthetic"]
ORIGINS: tuple[Origin, ...] = get_args(Origin)
"""The most trustworthy first."""


class StreamInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One power stream and its sensor. Uncertainties are standard (k = 1); see docs/contract.md.

    `source` is the measured thing in its maker's words, such as a GPU's UUID.
    """

    stream: str
    sensor: str
    channels: tuple[str, ...]
    total: str
    origin: Origin
    period_ms: float
    role: Role = "device"
    source: str | None = None
    averaging_window_ms: float | None = None
    delay_ms: float = 0.0
    holds: bool = False
    resolution_w: float | None = None
    noise_w: float | None = None
    gain_uncertainty: float | None = None
    offset_w_uncertainty: float | None = None
    max_w: float | None = None
    min_w: float | None = None


class Device(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The kind of device (`jetson-tx2`, `x86-cpu`, …), its model and a hash of its serial number."""

    kind: str
    model: str | None = None
    serial_hash: str | None = None
