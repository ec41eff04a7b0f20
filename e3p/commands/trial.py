"""``e3p trial``: Stage 2 on this device; and a bad trial's way out of the rankings."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from e3p import options
from e3p.commands.excluding import exclude, include

if TYPE_CHECKING:
    from e3p.settings import Settings
    from e3p.trialing import Trials
    from telemetry.contract.documents import Result

PUBLISHED = "imagenet-1k"
"""The data set that published accuracies are for."""


app = typer.Typer(invoke_without_command=True)
app.command()(exclude)
app.command()(include)


@app.callback()
def trial(
    ctx: typer.Context,
    model: Annotated[list[str] | None, typer.Option(help="A timm model; give it again for more.")] = None,
    dataset: Annotated[str, typer.Option(help="The data set's name in results and rankings.")] = PUBLISHED,
    data: Annotated[
        Path | None, typer.Option(help="A folder of images, by class or flat; else they are generated.")
    ] = None,
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
    wait_s: Annotated[float, typer.Option(help="How long to wait for the results afterwards.")] = 30.0,
    mqtt: options.Mqtt = None,
    config: options.Config = None,
    json: options.Json = False,
) -> int:
    """Runs real inference as marked trials, measured by the agent of this device, and prints the results.

    An agent (`e3p edge`) and a server (`e3p serve`) must be running. Exit code 1 when a model was left out,
    a result is invalid, or none came in time.
    """
    if ctx.invoked_subcommand:
        return 0
    import anyio

    from e3p.published import accuracy_refs
    from e3p.results import print_results
    from e3p.settings import load
    from e3p.trialing import Trials, find_agent

    if not model:
        raise typer.BadParameter("which model? give at least one", param_hint="--model")
    if weights not in ("auto", "random"):
        raise typer.BadParameter("auto or random is expected", param_hint="--weights")
    settings = load(config, mqtt=mqtt)
    spec = {
        "models": model,
        "dataset": dataset,
        "images_dir": str(data.absolute()) if data else None,
        "images": images,
        "batch_size": batch,
        "trials": trials,
        "device": device,
        "precision": precision,
        "pretrained": "auto" if weights == "auto" else "never",
        "warmup_s": warmup_s,
        "idle_s": idle_s,
        "cooldown_s": cooldown_s,
        "min_s": min_s,
        "jitter_ms": jitter_ms,
        "seed": seed,
        "num_threads": threads,
        "accuracy_refs": accuracy_refs(model) if dataset == PUBLISHED else {},
    }
    runs = Trials(spec, python, find_agent(settings.edge.socket_paths()))
    status, results = anyio.run(_run, settings, runs, wait_s)
    return max(1 if status else 0, print_results(results, json=json))


async def _run(settings: Settings, trials: Trials, wait_s: float) -> tuple[int, list[Result]]:
    """The runner's exit code, and the results that came."""
    import anyio

    from e3p.output import say
    from e3p.progress import Progress
    from e3p.watch import Watch

    watch = Watch(settings.common.address())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch.run)
        await watch.connected()
        with Progress() as progress:
            status = await trials.run(progress.show)
        results = await watch.of_trials(trials.ended, wait_s)
        tasks.cancel_scope.cancel()
    absent = set(trials.ended) - {result.trial for result in results}
    if absent:
        say(f"no result of {len(absent)} trials within {wait_s:g} s: is `e3p serve` on the agent's broker?")
    return (1 if absent else status), results
