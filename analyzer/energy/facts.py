"""What is known of a sensor: a manifest's stream entry in the units the arithmetic uses (ns, W)."""

from __future__ import annotations

from dataclasses import dataclass

from telemetry.contract.manifest import StreamInfo

NS_PER_MS = 1_000_000


@dataclass(frozen=True)
class SensorFacts:
    """One sensor. The defaults say that nothing is known, as for a stream without a manifest.

    ``blur_ns`` is over what a value may be a mean where that is not stated: the time since the last one.
    ``gain_u`` (relative) and ``offset_u_w`` are standard uncertainties; ``None`` is "not stated".
    """

    period_ns: int = 0
    averaging_ns: int = 0
    blur_ns: int = 0
    delay_ns: int = 0
    holds: bool = False
    resolution_w: float | None = None
    noise_w: float | None = None
    gain_u: float | None = None
    offset_u_w: float | None = None
    max_w: float | None = None
    min_w: float | None = None
    origin: str = "measured"


def facts_of(stream: StreamInfo) -> SensorFacts:
    """Return the facts of a manifest's stream entry."""
    return SensorFacts(
        period_ns=_ns(stream.period_ms),
        averaging_ns=_ns(stream.averaging_window_ms),
        blur_ns=_ns(stream.period_ms) if stream.averaging_window_ms is None else 0,
        delay_ns=_ns(stream.delay_ms),
        holds=bool(stream.holds),
        resolution_w=stream.resolution_w,
        noise_w=stream.noise_w,
        gain_u=stream.gain_uncertainty,
        offset_u_w=stream.offset_w_uncertainty,
        max_w=stream.max_w,
        min_w=stream.min_w,
        origin=stream.origin,
    )


def margin_ns(facts: SensorFacts, tick_ns: int) -> int:
    """Return how much of a trace before and after a window `measure` may look at.

    Six spacings hold the nearest reading outside, or prove that it lies beyond the gap rule; a sensor's
    own averaging and delay come on top.
    """
    return 6 * max(tick_ns, facts.period_ns) + facts.averaging_ns + abs(facts.delay_ns)


def _ns(ms: float | None) -> int:
    return round((ms or 0.0) * NS_PER_MS)
