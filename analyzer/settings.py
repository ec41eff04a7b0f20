"""What a person can set of the analyzer."""

from __future__ import annotations

import msgspec


class AnalyzerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`sweep_s`: how often the whole store is looked through, besides the doorbell. `a`, `b`: SAM's."""

    sweep_s: float = 60.0
    a: float = 5.0
    b: float = 5.0
    unit: str = "J"
