"""The shortlist of Stage 1 as a plan for Stage 2."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from telemetry.contract.errors import UserError

if TYPE_CHECKING:
    from analyzer.screening import Screening

PLAN = """# Those that passed Stage 1 ({words}), by falling NetScore.
# `e3p trial --plan {file} --dry-run` shows the trials; docs/trials.md has every key.
name = {name}
models = [
{models}
]
trials = 3
seed = 0

[[datasets]]
name = "imagenet-1k"
images = 1000
# data = "FOLDER"  # images with labels; without, images are generated and the published accuracy is used
"""


def write_plan(file: Path, screening: Screening) -> None:
    """Writes those that pass; a file that is there already is not touched. Raises `UserError`."""
    limits = screening.thresholds
    words = (
        f"Top-1 of at least {limits.min_top1:g} %, fewer than {limits.max_params:g} M parameters and "
        f"{limits.max_macs:g} G MACs"
    )
    models = dict.fromkeys(row.model for row in screening.passing)
    lines = "\n".join(f"    {json.dumps(model)}," for model in models)
    text = PLAN.format(words=words, file=file, name=json.dumps("stage-2"), models=lines)
    try:
        with file.open("x", encoding="utf-8") as plan:
            plan.write(text)
    except FileExistsError:
        raise UserError(f"--plan {file}: there is one already; name another file, or remove it") from None
    except OSError as error:
        raise UserError(f"--plan {file}: cannot be written ({error.strerror})") from None
