"""Whether the stated interval of a result can be believed: reasons and flags, and the state they make."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

from telemetry.contract.documents import Flag, Reason, ResultState

_WORST_LAST: tuple[ResultState, ...] = ("valid", "degraded", "invalid")

# Why a result is not valid, in the order in which they are told.
REASONS: MappingProxyType[Reason, ResultState] = MappingProxyType(
    {
        "no_samples": "invalid",
        "aborted": "invalid",
        "coverage": "invalid",
        "no_clock": "invalid",
        "gap": "degraded",
        "frames_missing": "degraded",
        "frames_lost": "degraded",
        "no_ledger": "degraded",
        "no_manifest": "degraded",
        "marks_missing": "degraded",
        "overlap": "degraded",
        "locked_aliasing": "degraded",
        "short": "degraded",
    }
)

# What is odd about the readings. Energy needs no UTC, and the integral no counter: those two only tell.
FLAGS: MappingProxyType[Flag, ResultState] = MappingProxyType(
    {
        "unit_slip": "invalid",
        "negative": "degraded",
        "over_max": "degraded",
        "frozen": "degraded",
        "rails": "degraded",
        "suspended": "degraded",
        "counter_back": "valid",
        "clock_bad": "valid",
    }
)


def judge(reasons: Iterable[Reason], flags: Iterable[Flag] = ()) -> ResultState:
    """Return the worst state that any of the reasons and flags asks for.

    Raises:
        KeyError: a name that the tables above do not have.
    """
    asked = [REASONS[reason] for reason in reasons] + [FLAGS[flag] for flag in flags]
    return max(asked, key=_WORST_LAST.index, default="valid")


def worst(states: Iterable[ResultState]) -> ResultState:
    """Return the worst of some states; of none, `valid`."""
    return max(states, key=_WORST_LAST.index, default="valid")


def in_order(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Return reasons without repeats in the order of the table, so that equal sets read equal."""
    chosen = set(reasons)
    return tuple(reason for reason in REASONS if reason in chosen)


def flags_in_order(flags: Iterable[Flag]) -> tuple[Flag, ...]:
    """Return flags without repeats in the order of the table."""
    chosen = set(flags)
    return tuple(flag for flag in FLAGS if flag in chosen)
