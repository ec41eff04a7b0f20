"""Trials that may be published, to be spoilt one fact at a time."""

from __future__ import annotations

from typing import Any

import msgspec

from analyzer.checks import Check, Finding, check_all
from telemetry.contract.documents import EventRefused, Latency, Result
from telemetry.contract.marks import Context, Protocol

S = 1_000_000_000
PROTOCOL = Protocol(
    warmup_s=30.0,
    cooldown_s=10.0,
    cooldown_band_c=5.0,
    idle_s=10.0,
    min_s=60.0,
    seed=0,
    steady=True,
    cooled=True,
)
CONTEXT = Context(libraries={"python": "3.8.10", "torch": "2.1"}, threads=4, temp_c={"gpu": 41.0}, load=0.02)


GOOD: dict[str, Any] = {
    "node": "tx2-1",
    "kind": "trial",
    "stream": "main",
    "state": "valid",
    "device": "jetson-tx2",
    "power_mode": "nvpmodel-0",
    "dataset": "imagenet-1k",
    "origin": "measured",
    "sensor": "jetson",
    "leads": True,
    "group": "night",
    "precision": "fp16",
    "batch_size": 8,
    "backend": "torch-cuda",
    "energy_u95_j": 25.0,
    "energy_u95_comparable_j": 5.0,
    "idle_w": 2.5,
    "coverage": 1.0,
    "samples": 12_200,
    "images": 1000,
    "images_per_s": 16.4,
    "latency_ms": Latency(p50=480.0, p95=500.0, p99=510.0),
    "accuracy": 0.8,
    "accuracy_n": 1000,
    "accuracy_origin": "measured",
    "agent_cpu_s": 1.2,
    "period_ms": 5.0,
    "protocol": PROTOCOL,
    "context": CONTEXT,
    "context_hash": "c0ffee",
    "load": 0.03,
    "manifest_hash": "beef",
}


def good(model: str = "levit", index: int = 0, **more: Any) -> Result:
    """A trial of a minute on a Jetson, at a time of its own; every rule passes."""
    begin = (index * 10 + sum(map(ord, model)) % 10) * 100 * S
    energy_j = 500.0 * (1 + 0.004 * index)
    own = {"model": model, "index": index, "window": f"{model}-{index}", "trial": f"{model}-{index}"}
    own |= {"begin": begin, "end": begin + 61 * S, "energy_j": energy_j, "j_per_1000": energy_j}
    return Result(**{**GOOD, **own, **more})


def campaign(**spoilt: Any) -> list[Result]:
    """Three trials of two models, in turn; the first of `levit` is spoilt."""
    trials = [good(model, index) for index in range(3) for model in ("levit", "vit")]
    return [msgspec.structs.replace(trials[0], **spoilt), *trials[1:]]


def check_of(results: list[Result], model: str = "levit", **more: Any) -> Check:
    (check,) = [check for check in check_all(results, **more) if check.model == model]
    return check


def failing(check: Check) -> dict[str, Finding]:
    """What stands against publishing, by rule."""
    return {finding.rule: finding for finding in check.findings if not finding.publishable}


def refused(trial: str) -> EventRefused:
    return EventRefused(
        node="tx2-1",
        boot="b",
        stream="marks/app",
        seq=7,
        event="trial_begin",
        trial=trial,
        reason="a second trial_begin with this id",
    )
