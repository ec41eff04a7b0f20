"""What the experiments share: models run on this machine, through a server and an agent of their own."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import anyio

from e3p.demo import Plan, run_demo
from telemetry.contract.documents import Result


class NotMeasured(Exception):
    """Some model has no trial with an energy."""


def arguments(words: str | None, models: str) -> argparse.ArgumentParser:
    """The options of every experiment; `models` are those it measures when no others are named."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=words, formatter_class=form)
    parser.add_argument(
        "--models", type=_names, default=models, metavar="A,B", help="timm's names (default: %(default)s)"
    )
    parser.add_argument("--images", type=int, default=100, help="in each trial (default: %(default)s)")
    parser.add_argument("--trials", type=int, default=3, help="of each model (default: %(default)s)")
    parser.add_argument(
        "--out", type=Path, default=Path("e3p-experiment"), help="where the store goes (default: %(default)s)"
    )
    return parser


def _names(words: str) -> list[str]:
    return [name.strip() for name in words.split(",") if name.strip()]


def measured(models: Sequence[str], asked: argparse.Namespace, module: Path | None = None) -> list[Result]:
    """The trials of these models in turn; some may be of a file of one's own. Raises `NotMeasured`."""
    shown = anyio.run(run_demo, Plan(asked.out, models, asked.images, asked.trials, module=module))
    trials = [result for result in shown.results if result.energy_j and result.state != "invalid"]
    if missing := set(models) - {trial.model for trial in trials}:
        raise NotMeasured(f"no energy of {', '.join(sorted(missing))}; the logs are in {asked.out}")
    return trials
