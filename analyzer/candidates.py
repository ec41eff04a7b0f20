"""Candidates for Stage 1 from the rows of a table, refused where its units cannot be right. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import median
from typing import NamedTuple

from telemetry.contract.errors import UserError

Row = Mapping[str | None, object]


@dataclass(frozen=True)
class Candidate:
    """One model on paper: Top-1 in percent, parameters in millions, MACs in billions for one image.

    `preset`: one of the 13 models of the E3P-ViT method, as far as public material tells. What a table does
    not say is None.
    """

    model: str
    top1_percent: float
    params_m: float
    macs_g: float
    family: str | None = None
    image_size: int | None = None
    distilled: bool | None = None
    hybrid: bool | None = None
    preset: bool = False
    source: str | None = None


class _Column(NamedTuple):
    names: tuple[str, ...]
    what: str


MODEL = _Column(("timm_name", "model", "name"), "the model's name")
TOP1 = _Column(("top1_imagenet1k", "top1_percent", "top1"), "Top-1 accuracy in percent")
PARAMS = _Column(("params_m",), "parameters in millions")
MACS = _Column(("gmacs", "macs_g"), "multiply-accumulates of one image in billions")
FLOPS = ("gflops", "flops_g", "flops")

# The largest image classifiers have some 7 × 10^9 parameters and 3 × 10^12 MACs.
MOST_PARAMS_M = 20_000.0
MOST_MACS_G = 20_000.0
# A parameter is used at least once for an image (embeddings aside), and at most once for each position.
LEAST_USE, MOST_USE = 0.5, 20_000.0
TWICE = (1.9, 2.1)
THOUSANDFOLD = (500.0, 2000.0)


def read_candidates(
    header: Sequence[str], rows: Iterable[tuple[int, Row]], where: str, known: Mapping[str, Candidate]
) -> list[Candidate]:
    """Return the candidates of a table: its column names, and its rows with their line numbers.

    A model may stand there once for each image size. `known` are candidates to compare units with, by model.

    Raises:
        UserError: a column is missing, a number is none, a model stands there twice, units that cannot be
            right; the message names the line, and what would be right.
    """
    columns = _columns(header, where)
    found: dict[tuple[str, int | None], Candidate] = {}
    for line, row in rows:
        candidate = _candidate(row, columns, f"{where}, line {line}")
        key = (candidate.model, candidate.image_size)
        if key in found:
            raise UserError(
                f"{where}, line {line}: {candidate.model} stands there twice; once for each img_size is right"
            )
        found[key] = candidate
    if not found:
        raise UserError(f"{where} has no candidates: one line for each model is expected below the header")
    _compare_units(found.values(), known, where)
    return list(found.values())


def _columns(header: Sequence[str], where: str) -> dict[_Column, str]:
    """Return the name each needed column has in this table."""
    there = {name.strip().lower(): name for name in header if name}
    columns = {
        column: next((there[name] for name in column.names if name in there), None)
        for column in (MODEL, TOP1, PARAMS, MACS)
    }
    missing = [f"{column.names[0]} ({column.what})" for column, name in columns.items() if name is None]
    if missing:
        flops = next((name for name in FLOPS if name in there), None)
        hint = f"; {flops} is not the same: 1 MAC is 2 FLOPs, so halve it" if flops else ""
        has = ", ".join(there) or "no header"
        raise UserError(f"{where} has no column {', '.join(missing)}{hint}; it has {has}")
    return {column: name for column, name in columns.items() if name is not None}


def _candidate(row: Row, columns: Mapping[_Column, str], where: str) -> Candidate:
    model = _text(row, columns[MODEL])
    if not model:
        raise UserError(f"{where} names no model in column {columns[MODEL]}")
    top1, params, macs = (_number(row, columns[column], where, column) for column in (TOP1, PARAMS, MACS))
    candidate = Candidate(
        model=model,
        top1_percent=top1,
        params_m=params,
        macs_g=macs,
        family=_text(row, "family"),
        image_size=int(size) if (size := _text(row, "img_size") or "").isdigit() else None,
        distilled=_truth(row, "distilled"),
        hybrid=_truth(row, "hybrid"),
        preset=bool(_truth(row, "in_recovered_13")),
        source=_text(row, "source_file"),
    )
    _check_units(candidate, f"{where} ({model})")
    return candidate


def _check_units(candidate: Candidate, where: str) -> None:
    """Refuse numbers that no model has in these units."""
    top1, params, macs = candidate.top1_percent, candidate.params_m, candidate.macs_g
    if top1 <= 1.0:
        raise UserError(f"{where}: a Top-1 of {top1:g} looks like a fraction; percent is expected, as 81.4")
    if top1 > 100.0:
        raise UserError(f"{where}: a Top-1 of {top1:g} % cannot be; percent up to 100 is expected")
    if params > MOST_PARAMS_M:
        raise UserError(
            f"{where}: {params:g} million parameters cannot be; the number looks like a plain count, so "
            "divide it by 1e6"
        )
    if macs > MOST_MACS_G:
        raise UserError(
            f"{where}: {macs:g} billion MACs cannot be; the number looks like a plain count: divide "
            "MACs by 1e9, FLOPs by 2e9"
        )
    use = 1000.0 * macs / params
    if use > MOST_USE:
        raise UserError(
            f"{where}: {macs:g} billion MACs for {params:g} million parameters cannot be; the MACs look like "
            "millions, so divide them by 1000"
        )
    if use < LEAST_USE:
        raise UserError(
            f"{where}: {macs:g} billion MACs for {params:g} million parameters are fewer than one for each; "
            "parameters in millions and MACs in billions are expected"
        )


def _compare_units(found: Iterable[Candidate], known: Mapping[str, Candidate], where: str) -> None:
    """Refuse a whole column that is off by a factor against what is published of the same models."""
    pairs = [(each, known[each.model]) for each in found if each.model in known]
    pairs = [(one, other) for one, other in pairs if one.image_size in (None, other.image_size)]
    if not pairs:
        return
    macs = median(one.macs_g / other.macs_g for one, other in pairs)
    params = median(one.params_m / other.params_m for one, other in pairs)
    of = f"{len(pairs)} models that are known here, {pairs[0][0].model} for one"
    if TWICE[0] <= macs <= TWICE[1]:
        raise UserError(
            f"{where}: the MACs are twice those of {of}: they look like FLOPs, and 1 MAC is 2 of them"
        )
    for what, factor in (("MACs", macs), ("parameters", params)):
        if THOUSANDFOLD[0] <= factor <= THOUSANDFOLD[1]:
            raise UserError(f"{where}: the {what} are a thousand times those of {of}: divide them by 1000")


def _number(row: Row, name: str, where: str, column: _Column) -> float:
    text = _text(row, name) or ""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not (isfinite(value) and value > 0):
        raise UserError(f"{where}: {name} is {text or 'empty'!r}; {column.what}, above 0, is expected")
    return value


def _text(row: Row, name: str) -> str | None:
    value = row.get(name)
    return value.strip() or None if isinstance(value, str) else None


def _truth(row: Row, name: str) -> bool | None:
    text = (_text(row, name) or "").lower()
    return text in ("true", "1", "yes") if text else None
