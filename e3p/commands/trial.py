"""``e3p trial``: Stage 2 on this device; and a bad trial's way out of the rankings."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from e3p import options
from e3p.commands.excluding import exclude, include

if TYPE_CHECKING:
    from e3p.plans import Plan, Shelf
    from e3p.settings import Settings

PUBLISHED = "imagenet-1k"
"""The data set that published accuracies are for."""
KEEP_THE_PLAN = {"resume", "wait_s", "mqtt", "config", "json"}
"""Options that change nothing of what is measured."""


app = typer.Typer(invoke_without_command=True)
app.command()(exclude)
app.command()(include)


@app.callback()
def trial(
    ctx: typer.Context,
    model: Annotated[list[str] | None, typer.Option(help="A timm model; give it again for more.")] = None,
    dataset: Annotated[str, typer.Option(help="The data set's name in results and rankings.")] = PUBLISHED,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="ImageNet (DIR/val/n01440764/…), any folder of images by class or with a labels.csv, or "
            "CIFAR-10 (DIR/cifar-10-batches-py or -bin; torchvision:DIR reads it by torchvision). Nothing is "
            "downloaded; without --data images are generated, and no accuracy is measured.",
        ),
    ] = None,
    labels: Annotated[
        bool, typer.Option(help="Measure accuracy where the data has labels; they must fit the models.")
    ] = True,
    images: Annotated[int, typer.Option(help="Images in each trial.")] = 1000,
    batch: Annotated[int, typer.Option(help="Images in each batch.")] = 32,
    trials: Annotated[int, typer.Option(help="Trials of each model, in random order over the models.")] = 3,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    precision: Annotated[str, typer.Option(help="fp32, fp16 or bf16.")] = "fp32",
    python: Annotated[
        str, typer.Option(metavar="PATH", help="The interpreter that has torch and timm (3.6 or newer).")
    ] = sys.executable,
    weights: Annotated[
        str, typer.Option(help="auto: pretrained where they can be had, else random; or random.")
    ] = "auto",
    warmup_s: Annotated[float, typer.Option(help="Warm-up ends then, steady or not.")] = 30.0,
    idle_s: Annotated[
        float, typer.Option(help="Rest before and after all trials, for the idle power.")
    ] = 10.0,
    cooldown_s: Annotated[float, typer.Option(help="Rest between two trials.")] = 10.0,
    min_s: Annotated[
        float, typer.Option(help="A trial repeats its images until it has lasted so long.")
    ] = 0.0,
    jitter_ms: Annotated[float, typer.Option(help="Random pauses between batches, against aliasing.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Draws the images and the order of the models.")] = 0,
    threads: Annotated[int | None, typer.Option(help="Processor threads; else torch's own choice.")] = None,
    resume: Annotated[
        str | None,
        typer.Option(metavar="GROUP", help="Go on with a plan that was interrupted: run what is left of it."),
    ] = None,
    wait_s: Annotated[float, typer.Option(help="How long to wait for the results afterwards.")] = 30.0,
    mqtt: options.Mqtt = None,
    config: options.Config = None,
    json: options.Json = False,
) -> int:
    """Runs real inference as marked trials, measured by the agent of this device, and prints the results.

    An agent (`e3p edge`) and a server (`e3p serve`) must be running. What is interrupted can be resumed:
    trials that ended with a result are not repeated. Exit code 1 when a model was left out, the agent went
    away, a result is invalid, or none came in time.
    """
    if ctx.invoked_subcommand:
        return 0
    from e3p.plans import Shelf
    from e3p.settings import load

    settings = load(config, mqtt=mqtt)
    shelf = Shelf(settings.edge.spool_path().parent / "trials")
    spec = {
        "models": model,
        "dataset": dataset,
        "images_dir": _place(data),
        "labels": "auto" if labels else "none",
        "images": images,
        "batch_size": batch,
        "trials": trials,
        "device": device,
        "precision": precision,
        "pretrained": "never" if weights == "random" else weights,
        "warmup_s": warmup_s,
        "idle_s": idle_s,
        "cooldown_s": cooldown_s,
        "min_s": min_s,
        "jitter_ms": jitter_ms,
        "seed": seed,
        "num_threads": threads,
    }
    plan = _resumed(ctx, shelf, resume) if resume else _planned(spec, python)
    return _run(settings, shelf, plan, wait_s=wait_s, json=json)


def _run(settings: Settings, shelf: Shelf, plan: Plan, *, wait_s: float, json: bool) -> int:
    """Runs a plan and prints its results; the exit code."""
    import anyio

    from e3p.campaign import Campaign
    from e3p.results import print_results
    from e3p.trialing import find_agent

    campaign = Campaign(plan, shelf, find_agent(settings.edge.socket_paths()))
    outcome = anyio.run(campaign.run, settings.common.address(), wait_s)
    printed = print_results(outcome.results, json=json)
    # A resumed plan of which nothing was left to run is done, and prints nothing new.
    return max(0 if outcome.is_whole else 1, printed if outcome.results else 0)


def _planned(spec: dict[str, Any], python: str) -> Plan:
    """A plan of its own group."""
    from e3p.plans import Plan
    from e3p.published import accuracy_refs

    if not spec["models"]:
        raise typer.BadParameter("which model? give at least one", param_hint="--model")
    if spec["pretrained"] not in ("auto", "never"):
        raise typer.BadParameter("auto or random is expected", param_hint="--weights")
    refs = accuracy_refs(spec["models"]) if spec["dataset"] == PUBLISHED else {}
    return Plan(group=secrets.token_hex(6), python=python, spec={**spec, "accuracy_refs": refs})


def _resumed(ctx: typer.Context, shelf: Shelf, group: str) -> Plan:
    """An unfinished plan as it was; what would change it is refused."""
    sources = {name: ctx.get_parameter_source(name) for name in ctx.params}
    given = {name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"}
    changed = sorted(given - KEEP_THE_PLAN)
    if changed:
        words = "the plan is resumed as it was: leave this out"
        raise typer.BadParameter(words, param_hint="--" + changed[0].replace("_", "-"))
    return shelf.find(group)


def _place(data: str | None) -> str | None:
    """The folder with its whole path: the runner may stand elsewhere."""
    if data is None:
        return None
    reader, colon, path = data.rpartition("torchvision:")
    return reader + colon + str(Path(path).expanduser().absolute())
