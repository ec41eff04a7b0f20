"""Stage 1's numbers counted again from the models themselves, and why a table differs. Pure."""

from __future__ import annotations

import msgspec

from analyzer.candidates import Candidate

NOTABLE = 0.02
"""Counters differ by what they round and which small operations they see; below this nobody explains it."""
CLASSES, CLASSES_21K = 1000, 21_841


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What the model has by its own graph: plain counts for one image, `attention_macs` within `macs`."""

    model: str
    params: int
    macs: int
    attention_macs: int
    head_inputs: int


class Recounted(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate's paper numbers against the counted ones; what is `off` is table / counted - 1.

    `why` says what explains each difference above 2 %, as far as it can be told.
    """

    model: str
    params_m: float
    params_off: float
    macs_g: float
    macs_off: float
    attention_macs_g: float
    why: tuple[str, ...] = ()


def recount(candidate: Candidate, counted: Counted) -> Recounted:
    """Return the comparison of one candidate."""
    params_off = candidate.params_m * 1e6 / counted.params - 1
    macs_off = candidate.macs_g * 1e9 / counted.macs - 1
    why = []
    if abs(params_off) > NOTABLE:
        why.append(_params(candidate.params_m * 1e6, counted))
    if abs(macs_off) > NOTABLE:
        why.append(_macs(candidate.macs_g * 1e9, counted))
    return Recounted(
        model=candidate.model,
        params_m=counted.params / 1e6,
        params_off=params_off,
        macs_g=counted.macs / 1e9,
        macs_off=macs_off,
        attention_macs_g=counted.attention_macs / 1e9,
        why=tuple(why),
    )


def _params(told: float, counted: Counted) -> str:
    wide_head = counted.params + (CLASSES_21K - CLASSES) * (counted.head_inputs + 1)
    if abs(told / wide_head - 1) <= NOTABLE:
        return f"the table's parameters are those of a head for {CLASSES_21K:,} classes"
    return "parameters differ for a reason that is not known"


def _macs(told: float, counted: Counted) -> str:
    if abs(told / (counted.macs - counted.attention_macs) - 1) <= NOTABLE:
        return "the table leaves out the products of attention"
    if told < counted.macs:
        return "the table counts fewer MACs, for a reason that is not known"
    return "the table counts more MACs: small operations are seen by some counters only"
