"""Figures and times as people read them: as many digits as they are worth, with their unit."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from html import escape
from typing import TYPE_CHECKING

from telemetry.contract.nodetime import NS_PER_S

if TYPE_CHECKING:
    from telemetry.contract.documents import Result


def number(value: float | None, digits: int = 4) -> str | None:
    """A figure to so many significant digits, without an exponent where people read it."""
    if value is None:
        return None
    text = f"{value:.{digits}g}"
    return f"{value:.0f}" if "e" in text and 1 <= abs(value) < 1e15 else text


def with_u95(value: float, u95: float | None) -> str:
    """A figure and its 95 % uncertainty, both to the second significant digit of the uncertainty."""
    if not u95 or not math.isfinite(u95):
        return str(number(value, 6))
    digits = 1 - math.floor(math.log10(u95))
    shown = f".{max(0, digits)}f"
    return f"{round(value, digits):{shown}} ± {round(u95, digits):{shown}}"


def energy(result: Result) -> str | None:
    """Joules with their 95 % uncertainty, and the origin where it is not a measurement of this window."""
    if result.energy_j is None:
        return None
    return f"{with_u95(result.energy_j, result.energy_u95_j)} J{origin_note(result.origin)}"


def net(result: Result) -> str | None:
    """Joules above idle with their 95 % uncertainty."""
    return None if result.net_j is None else f"{with_u95(result.net_j, result.net_u95_j)} J"


def origin_note(origin: str | None) -> str:
    """A remark behind a figure that was not measured here and now; nothing behind one that was."""
    return "" if origin in (None, "measured") else f" ({origin})"


def state(result: Result) -> str:
    """The state with its reasons and flags."""
    notes = ", ".join([*result.reasons, *result.flags])
    return f"{result.state}: {notes}" if notes else result.state


def unit(value: float | None, unit_name: str, digits: int = 4) -> str | None:
    """A figure with its unit behind it; None stays None."""
    return None if value is None else f"{number(value, digits)} {unit_name}"


def percent(fraction: float | None, digits: int = 1) -> str | None:
    """A fraction as a percentage with so many decimals."""
    return None if fraction is None else f"{100 * fraction:.{digits}f} %"


def fixed(value: float, digits: int = 3) -> str:
    """A figure to so many significant digits, zeros at its end kept: for columns that are compared."""
    text = f"{value:#.{digits}g}".rstrip(".")
    return str(number(value, digits)) if "e" in text else text


def sureness(probability: float) -> str:
    """A probability to two decimals; never a round 0 or 1, which no number of draws can show."""
    if probability > 0.995:
        return "> 0.99"
    return "< 0.01" if probability < 0.005 else f"{probability:.2f}"


def in_plot(text: str) -> str:
    """Text as a plot takes it: angle brackets are no tags there."""
    return escape(text, quote=False)


def moment(time_ns: int | None) -> str | None:
    """A time to the second, in UTC."""
    if time_ns is None:
        return None
    return f"{datetime.fromtimestamp(time_ns // NS_PER_S, timezone.utc):%Y-%m-%d %H:%M:%S} UTC"


def seconds(length_ns: int) -> str:
    """A length of time in the unit that suits it."""
    length_s = length_ns / NS_PER_S
    if length_s < 120:
        return f"{number(length_s, 3)} s"
    return f"{length_s / 60:.1f} min" if length_s < 7200 else f"{length_s / 3600:.1f} h"


def milliseconds(length_ns: int, u95_ns: int | None) -> str:
    """A clock offset with its 95 % uncertainty, in milliseconds."""
    return f"{with_u95(length_ns / 1e6, None if u95_ns is None else u95_ns / 1e6)} ms"
