"""``e3p trial``: Stage 2 on this device; and a bad trial's way out of the rankings."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from e3p import options
from e3p.commands.excluding import exclude, include

if TYPE_CHECKING:
    from e3p.plans import Run, Shelf
    from e3p.settings import Settings
    from e3p.trialing import Where

KEEP_THE_PLAN = {"resume", "plan", "dry_run", "again", "python", "module", "wait_s", "mqtt", "config", "json"}
"""Options that change nothing of what is measured."""

app = typer.Typer(invoke_without_command=True)
app.command()(exclude)
app.command()(include)


@app.callback()
def trial(
    ctx: typer.Context,
    model: Annotated[list[str] | None, typer.Option(help="A timm model; give it again for more.")] = None,
    plan: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A campaign's plan in TOML instead of options (docs/trials.md)."),
    ] = None,
    dataset: Annotated[
        str, typer.Option(help="The data set's name in results and rankings.")
    ] = "imagenet-1k",
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
    batch: Annotated[list[int] | None, typer.Option(help="Images in each batch; again for more. 32.")] = None,
    trials: Annotated[
        int, typer.Option(help="Trials of each configuration, in random order over all of them.")
    ] = 3,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    precision: Annotated[
        list[str] | None,
        typer.Option(help="fp32, fp16, bf16, or mixed: amp-fp16, amp-bf16; again for more. fp32."),
    ] = None,
    python: Annotated[
        str, typer.Option(metavar="PATH", help="The interpreter that has torch and timm (3.6 or newer).")
    ] = sys.executable,
    module: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.py",
            dir_okay=False,
            exists=True,
            help="Registers models of your own with timm.",
        ),
    ] = None,
    weights: Annotated[
        str, typer.Option(help="auto: pretrained where they can be had, else random; or random.")
    ] = "auto",
    checkpoint: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[MODEL=]FILE",
            help="A model's own weights, as `e3p finetune` writes them (safetensors); again for more models.",
        ),
    ] = None,
    warmup_s: Annotated[float, typer.Option(help="Warm-up ends then, steady or not.")] = 30.0,
    idle_s: Annotated[
        float, typer.Option(help="Rest before and after all trials, for the idle power.")
    ] = 10.0,
    cooldown_s: Annotated[float, typer.Option(help="Rest between two trials, at least.")] = 10.0,
    cooldown_band_c: Annotated[
        float, typer.Option(help="It lasts until every temperature is so near to what it was at first …")
    ] = 5.0,
    cooldown_most_s: Annotated[float, typer.Option(help="… but no longer than that.")] = 120.0,
    min_s: Annotated[
        float, typer.Option(help="A trial repeats its images until it has lasted so long; 60 to publish it.")
    ] = 10.0,
    jitter_ms: Annotated[float, typer.Option(help="Random pauses between batches, against aliasing.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Draws the images and the order of the trials.")] = 0,
    threads: Annotated[int | None, typer.Option(help="Processor threads; else torch's own choice.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Only tell the order and the expected time.")] = False,
    resume: Annotated[
        str | None,
        typer.Option(metavar="GROUP", help="Go on with a run that was interrupted: what is left of it."),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Begin the plan anew, where an unfinished run of it would go on.")
    ] = False,
    wait_s: Annotated[float, typer.Option(help="How long to wait for the results afterwards.")] = 30.0,
    mqtt: options.Mqtt = None,
    config: options.Config = None,
    json: options.Json = False,
) -> int:
    """Runs real inference as marked trials, measured by the agent of this device, and prints the results.

    An agent (`e3p edge`) and a server (`e3p serve`) must be running. What is interrupted can be resumed:
    trials that ended with a result are not repeated. Exit code 1 when a configuration was left out, the agent
    went away, a result is invalid, or none came in time.
    """
    if ctx.invoked_subcommand:
        return 0
    from e3p.plans import Shelf
    from e3p.rehearsal import print_rehearsal
    from e3p.settings import load

    settings = load(config, mqtt=mqtt)
    shelf = Shelf(settings.edge.spool_path().parent / "trials")
    run, where = _asked(ctx, shelf)
    if dry_run:
        print_rehearsal(run, json=json)
        return 0
    return _carry_out(settings, shelf, run, where, wait_s=wait_s, json=json)


def _carry_out(settings: Settings, shelf: Shelf, run: Run, where: Where, *, wait_s: float, json: bool) -> int:
    """Carries out a run and prints its results; the exit code."""
    import anyio

    from e3p.campaign import Campaign
    from e3p.results import print_results
    from e3p.trialing import find_agent

    campaign = Campaign(run, shelf, find_agent(settings.edge.socket_paths()), where)
    outcome = anyio.run(campaign.run, settings.common.address(), wait_s)
    printed = print_results(outcome.results, json=json, budgets=False)
    return max(0 if outcome.is_whole else 1, printed if outcome.results else 0)


def _asked(ctx: typer.Context, shelf: Shelf) -> tuple[Run, Where]:
    """The run that is asked for: an unfinished one, that of a plan's file, or that of the options."""
    from e3p.asking import by_option, plan_of_file, plan_of_options, run_of
    from e3p.output import say
    from e3p.trialing import by_its_own_name

    given = ctx.params
    if given["resume"]:
        _refuse_more(ctx, "the plan is resumed as it was: leave this out")
        return shelf.find(given["resume"]), by_its_own_name
    if given["plan"]:
        _refuse_more(ctx, "the plan's file says it: leave this out")
        plan, where = plan_of_file(given["plan"])
        unfinished = None if given["again"] else shelf.unfinished(plan)
        if unfinished:
            left = f"{len(unfinished.left)} of {len(unfinished.trials)} trials are left"
            say(f"going on with {unfinished.group}: {left} (--again begins anew)")
        return unfinished or run_of(plan, given["python"], given["module"]), where
    if not given["model"]:
        raise typer.BadParameter("which model? give at least one, or a --plan", param_hint="--model")
    return run_of(plan_of_options(_as_plan(given)), given["python"], given["module"]), by_option


def _as_plan(given: dict[str, object]) -> dict[str, object]:
    """The options by the names that a plan has for them."""
    steps = ("warmup_s", "idle_s", "cooldown_s", "cooldown_band_c", "cooldown_most_s", "min_s", "jitter_ms")
    lists = {"models": given["model"], "batch_sizes": given["batch"], "precisions": given["precision"]}
    # Empty lists are options that were not given: the plan has its own defaults.
    named = {name: value or None for name, value in lists.items()}
    return {**given, **named, "protocol": {name: given[name] for name in steps}}


def _refuse_more(ctx: typer.Context, words: str) -> None:
    """What would change a plan that is already made is refused."""
    sources = {name: ctx.get_parameter_source(name) for name in ctx.params}
    given = {name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"}
    changed = sorted(given - KEEP_THE_PLAN)
    if changed:
        raise typer.BadParameter(words, param_hint="--" + changed[0].replace("_", "-"))
