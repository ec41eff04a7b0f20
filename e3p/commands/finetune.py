"""``e3p finetune``: a checkpoint for Stage 2."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from e3p import options

if TYPE_CHECKING:
    from e3p.finetuning import Outcome


def finetune(
    model: Annotated[str, typer.Option(help="A timm model.")],
    data: Annotated[
        str,
        typer.Option(metavar="DIR", help="CIFAR-10, unpacked: cifar-10-batches-py or -bin, or beside it."),
    ],
    dataset: Annotated[str, typer.Option(help="cifar10.")] = "cifar10",
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where it goes. finetuned/MODEL-DATASET.")
    ] = None,
    recipe: Annotated[
        str, typer.Option(help="vit-sgd, levit-adamw, or auto: by the model's family (docs/finetuning.md).")
    ] = "auto",
    epochs: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
    batch: Annotated[int | None, typer.Option(help="Images in each step, instead of the recipe's.")] = None,
    lr: Annotated[
        float | None, typer.Option(help="The highest learning rate, instead of the recipe's.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Draws the split, the order, the flips, the new head.")] = 0,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    precision: Annotated[
        str, typer.Option(help="fp32, amp-fp16, amp-bf16, or auto: mixed on a GPU, fp32 else.")
    ] = "auto",
    weights: Annotated[
        str, typer.Option(help="pretrained, random, or a FILE of timm's weights for this model.")
    ] = "pretrained",
    save_every_s: Annotated[
        float, typer.Option(help="Within an epoch, keep what is reached so often; after each it is kept too.")
    ] = 300.0,
    threads: Annotated[int | None, typer.Option(help="Processor threads; else torch's own choice.")] = None,
    python: Annotated[
        str, typer.Option(metavar="PATH", help="The interpreter that has torch, timm and safetensors.")
    ] = sys.executable,
    again: Annotated[
        bool, typer.Option("--again", help="Begin anew, where an earlier run would go on or is finished.")
    ] = False,
    json: options.Json = False,
) -> int:
    """Fine-tunes a model on CIFAR-10, and writes a checkpoint for `e3p trial --checkpoint` with its card.

    After Ctrl-C, a kill or a power cut the same command goes on from the last checkpoint. A part of the
    training images is held out and chooses the best epoch; the test images are looked at once, at the end.
    Exit code 1 where it was stopped before its end.
    """
    from e3p.finetuning import Show
    from e3p.finetuning import finetune as run
    from e3p.output import print_json

    folder = out or Path("finetuned") / f"{model.replace('/', '_')}-{dataset}"
    spec = {
        "model": model,
        "dataset": dataset,
        "data": str(Path(data).expanduser()),
        "out": str(folder),
        "recipe": recipe,
        "epochs": epochs,
        "batch_size": batch,
        "lr": lr,
        "seed": seed,
        "device": device,
        "precision": precision,
        "weights": weights,
        "save_every_s": save_every_s,
        "threads": threads,
        "again": again,
    }
    with Show() as show:
        outcome = run(spec, python, show)
    if outcome.card is None:
        return 1
    if json:
        print_json({"checkpoint": outcome.checkpoint, **outcome.card})
    else:
        _tell(outcome)
    return 0


def _tell(outcome: Outcome) -> None:
    """How good the checkpoint is, and where it lies."""
    from e3p.output import answer

    card = outcome.card or {}
    test, validation = card["test"], card["validation"]
    interval = f"95 %: {100 * test['lo']:.2f} to {100 * test['hi']:.2f} %"
    answer(f"{100 * test['value']:.2f} % of {test['n']} test images are right ({interval})")
    held_out = f"{100 * validation['value']:.2f} % of {validation['n']} held-out images"
    answer(f"weights of epoch {card['epoch']}, the best by {held_out}")
    answer(f"{outcome.checkpoint}, its card beside it (model.md, model.json)")
