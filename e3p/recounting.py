"""Counts models by their own graphs, in a child process on an interpreter that has torch and timm."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

import edge_node
from telemetry.contract.errors import UserError

if TYPE_CHECKING:
    from analyzer.candidates import Candidate
    from analyzer.recount import Recounted

COUNTING = Path(edge_node.__file__).with_name("counting.py")
USUAL_SIZE = 224


class Uncounted(msgspec.Struct, frozen=True):
    """A model that could not be counted, and why."""

    model: str
    error: str


def recounted(chosen: Sequence[Candidate], python: str) -> tuple[list[Recounted], list[Uncounted]]:
    """Every candidate's numbers counted again. Raises `UserError` where the interpreter cannot count."""
    from analyzer.recount import Counted, recount

    asked = "".join(f"{each.model} {each.image_size or USUAL_SIZE}\n" for each in chosen)
    try:
        child = subprocess.Popen(
            [python, str(COUNTING)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
    except OSError as error:
        raise UserError(f"--python {python}: cannot be started ({error.strerror})") from None
    found: list[Recounted] = []
    failed: list[Uncounted] = []
    with child:
        assert child.stdin is not None  # noqa: S101 - both are pipes
        assert child.stdout is not None  # noqa: S101
        child.stdin.write(asked)
        child.stdin.close()
        for candidate, line in zip(chosen, child.stdout, strict=False):
            told = msgspec.json.decode(line)
            if "model" not in told:
                raise UserError(
                    f"--python {python}: {told['error']}; an interpreter with torch and timm counts"
                )
            if "error" in told:
                failed.append(msgspec.convert(told, Uncounted))
            else:
                found.append(recount(candidate, msgspec.convert(told, Counted)))
    if child.returncode or len(found) + len(failed) < len(chosen):
        raise UserError(f"--python {python}: counting ended with exit code {child.returncode}")
    return found, failed
