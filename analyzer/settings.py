"""What a person can set of the analyzer."""

from __future__ import annotations

from typing import Annotated

import msgspec

from telemetry.runtime.http import Port

Positive = Annotated[float, msgspec.Meta(gt=0)]
Unit = Annotated[str, msgspec.Meta(pattern="^(J|mJ|kJ|Wh)$")]


class AnalyzerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`sweep_s`: how often the whole store is looked through, besides the doorbell. `a`, `b`: SAM's.

    `window_s`: the length of the windows of continuous work. `silent_s`: how long nothing may come of a node
    that is there, `spool_mib` how much it may keep, `regression_percent` how much more energy an image may
    take for good, before a finding says so.

    At `metrics_port` /healthz and /metrics answer; nowhere when it is None.
    """

    sweep_s: float = 60.0
    a: Positive = 5.0
    b: Positive = 5.0
    unit: Unit = "J"
    window_s: Annotated[float, msgspec.Meta(ge=1)] = 60.0
    silent_s: Positive = 120.0
    spool_mib: Positive = 64.0
    regression_percent: Positive = 5.0
    metrics_port: Port | None = None
