"""What the trial runner does for each trial of a plan: settings, rest, warm-up, and what it tells of them."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edge_node.runner import Bench
from edge_node.runner_checks import is_steady
from edge_node.runner_device import Device, Load, above
from edge_node.runner_models import why_random
from tests.running import SPEC, run_runner

PLANNED = [
    {"model": "tiny_one", "index": 0, "order": 5, "batch_size": 2, "precision": "fp16"},
    {"model": "tiny_two", "index": 0, "order": 6, "images": 4, "dataset": "other", "min_s": 0.1},
    {"model": "tiny_one", "index": 0, "order": 7, "precision": "amp-bf16"},
]


def test_each_trial_of_a_plan_runs_with_its_own_settings_in_the_given_order(tmp_path: Path) -> None:
    done = run_runner(tmp_path, {**SPEC, "plan": PLANNED})
    assert done.code == 0, done.errors
    begun = [mark for mark in done.marks if mark["kind"] == "trial_begin"]
    told = [
        (m["model"], m["dataset"], m["batch_size"], m["precision"], m["protocol"]["order"]) for m in begun
    ]
    assert told == [
        ("tiny_one", "d", 2, "fp16", 5),
        ("tiny_two", "other", 4, "fp32", 6),
        ("tiny_one", "d", 4, "amp-bf16", 7),
    ]
    assert [mark["protocol"]["images"] for mark in begun] == [10, 4, 10]


@pytest.mark.parametrize(
    ("plan", "where", "right"),
    [
        ([{"model": "tiny_one", "batch_size": 0}], "spec.plan[0].batch_size", "from 1"),
        ([{"index": 0}], "spec.plan[0].model", "timm model name"),
        ([{"model": "tiny_one"}, {"model": "tiny_one", "batches": 3}], "spec.plan[1].batches", "batch_size"),
        ([{"model": "tiny_one"}, 3], "spec.plan", "list of trials"),
        ([], "spec.plan", "list of trials"),
    ],
)
def test_a_wrong_trial_of_a_plan_is_named_by_its_place(
    tmp_path: Path, plan: list[Any], where: str, right: str
) -> None:
    done = run_runner(tmp_path, {**SPEC, "plan": plan})
    assert done.code == 2
    assert done.event("error")["where"] == where
    assert right in done.event("error")["right"]


def test_what_cannot_be_is_told_with_the_value_that_asks_for_it(tmp_path: Path) -> None:
    done = run_runner(tmp_path, {**SPEC, "plan": [*PLANNED, {"model": "tiny_won"}]})
    assert (done.event("error")["where"], done.event("error")["value"]) == ("spec.models", "tiny_won")


def test_a_configuration_that_fails_is_left_out_and_its_siblings_are_not(tmp_path: Path) -> None:
    plan = [{"model": name, "index": at, "order": at} for at, name in enumerate(["tiny_huge", "tiny_one"])]
    plan += [{"model": "tiny_huge", "index": 1, "order": 2, "batch_size": 2}]
    done = run_runner(tmp_path, {**SPEC, "plan": plan})
    assert done.event("done")["left_out"] == ["tiny_huge (batch 4)", "tiny_huge (batch 2)"]
    assert [event["model"] for event in done.events if event["event"] == "trial_begin"] == ["tiny_one"]


def test_what_is_not_known_here_is_left_out_where_the_others_are_to_go_on(tmp_path: Path) -> None:
    plan = [{"model": name, "index": at, "order": at} for at, name in enumerate(["tiny_won", "tiny_one"])]
    plan += [{"model": "tiny_one", "index": 1, "order": 2, "precision": "fp16"}]
    done = run_runner(tmp_path, {**SPEC, "plan": plan, "goes_on": True}, FAKE_NO_HALF="1")
    assert done.code == 1
    errors = {tuple(each["configuration"]): each["what"] for each in done.events if each["event"] == "error"}
    assert set(errors) == {("tiny_won", "d", 4, "fp32"), ("tiny_one", "d", 4, "fp16")}
    assert "no model 'tiny_won'" in errors["tiny_won", "d", 4, "fp32"]
    begun = [event["order"] for event in done.events if event["event"] == "trial_begin"]
    assert begun == [1]


def test_where_nothing_can_run_nothing_is_begun(tmp_path: Path) -> None:
    done = run_runner(tmp_path, {**SPEC, "plan": [{"model": "tiny_won"}], "goes_on": True})
    assert (done.code, done.event("done")["left_out"], done.marks) == (1, ["tiny_won"], [])


def test_mixed_precision_is_refused_where_torch_lacks_it(tmp_path: Path) -> None:
    done = run_runner(tmp_path, {**SPEC, "precision": "amp-fp16"}, FAKE_NO_HALF="1")
    assert done.code == 2
    assert done.event("error")["where"] == "spec.precision"
    assert "no autocast here" in done.event("error")["what"]


def test_a_trial_says_what_it_met(tmp_path: Path) -> None:
    done = run_runner(tmp_path, {**SPEC, "idle_s": 0.3, "device": "cuda"}, FAKE_CUDA="1")
    context = done.mark("trial_begin")["context"]
    assert context["libraries"].items() >= {"torch": "0.fake", "timm": "0.fake"}.items()
    assert context["libraries"]["python"].startswith("3.")
    assert (context["accelerator"], context["threads"]) == ("Fake GPU", 2)
    assert 0 <= context["load"] <= 1
    protocol = done.mark("trial_begin")["protocol"]
    assert protocol["steady"] is done.event("warmup")["steady"]
    assert protocol["weights"] == "pretrained"


def test_the_end_says_what_others_used_of_the_processors(tmp_path: Path) -> None:
    done = run_runner(tmp_path, {**SPEC, "min_s": 0.5})
    assert 0 <= done.mark("trial_end")["load"] <= 1


def test_pauses_between_batches_differ_from_trial_to_trial(tmp_path: Path) -> None:
    done = run_runner(tmp_path, {**SPEC, "jitter_ms": 20, "trials": 2})
    begins = [mark["begin"] for mark in done.marks if mark["kind"] == "batches"]
    gaps = [[later - earlier for earlier, later in itertools.pairwise(each)] for each in begins]
    assert len(gaps) == 2
    assert abs(gaps[0][0] - gaps[1][0]) > 1e5


@pytest.mark.parametrize(
    ("times", "steady"),
    [
        ([0.001] * 400, False),  # 0.4 s is too little to tell
        ([0.001] * 1100, True),
        ([0.002] * 300 + [0.001] * 550, False),  # still getting faster
        ([0.002] * 300 + [0.001] * 1100, True),
        ([0.3, 0.1, 0.1, 0.1, 0.1] * 2, True),
    ],
)
def test_short_batches_must_be_steady_for_a_second(times: list[float], steady: bool) -> None:
    assert is_steady(times) is steady


class Cooling:
    """A device whose chip loses five degrees between two looks."""

    def __init__(self, temp_c: float) -> None:
        self.temp_c = temp_c

    def read(self) -> tuple[dict[str, float], dict[str, float]]:
        self.temp_c -= 5.0
        return {"chip": self.temp_c}, {}

    def ticks(self) -> None:
        return None


def bench(device: object, said: list[dict[str, Any]], base: dict[str, float]) -> Any:
    return SimpleNamespace(
        device=device,
        at_rest_c=base,
        others=None,
        say=lambda event, **more: said.append({"event": event, **more}),
    )


STEPS = {"cooldown_most_s": 60.0, "cooldown_band_c": 5.0, "cooldown_to_c": None}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were slept, on a clock that moves by nothing else."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr(time, "monotonic", lambda: sum(slept))
    return slept


def test_the_rest_lasts_until_the_temperature_is_in_the_band(clock: list[float]) -> None:
    said: list[dict[str, Any]] = []
    cooled = Bench.cool_down(bench(Cooling(72.0), said, {"chip": 40.0}), SimpleNamespace(**STEPS), 10.0)
    assert cooled is True
    assert sum(clock) == 10.0 + 5  # looks at 67, 62, 57, 52, 47 and 42 degrees
    assert not said


def test_a_rest_that_takes_too_long_ends_and_says_so(clock: list[float]) -> None:
    said: list[dict[str, Any]] = []
    cooled = Bench.cool_down(bench(Cooling(900.0), said, {"chip": 40.0}), SimpleNamespace(**STEPS), 10.0)
    assert cooled is False
    assert sum(clock) <= 60.0
    assert (said[0]["event"], list(said[0]["hot"])) == ("hot", ["chip"])


def test_where_nothing_tells_a_temperature_time_alone_counts(clock: list[float]) -> None:
    blind = SimpleNamespace(read=lambda: ({}, {}), ticks=lambda: None)
    assert Bench.cool_down(bench(blind, [], {}), SimpleNamespace(**STEPS), 10.0) is None
    assert clock == [10.0]


def test_each_temperature_is_held_against_its_own_rest() -> None:
    base = {"cpu": 40.0, "always hot": 90.0}
    assert above({"cpu": 44.0, "always hot": 91.0, "new": 99.0}, base, 5.0, None) == {}
    assert above({"cpu": 46.0, "always hot": 91.0}, base, 5.0, None) == {"cpu": 46.0}
    assert above({"cpu": 44.0}, base, 5.0, 42.0) == {"cpu": 44.0}


def test_temperatures_and_clocks_come_from_the_kernels_files(tmp_path: Path) -> None:
    zones = {"cpu": "41500", "PMIC-Die": "100000", "off": "-256000", "torn": "x"}
    for at, (name, milli) in enumerate(zones.items()):
        zone = tmp_path / f"sys/class/thermal/thermal_zone{at}"
        zone.mkdir(parents=True)
        (zone / "type").write_text(name + "\n")
        (zone / "temp").write_text(milli + "\n")
    for at, khz in enumerate((1_000_000, 2_000_000)):
        cpu = tmp_path / f"sys/devices/system/cpu/cpu{at}/cpufreq"
        cpu.mkdir(parents=True)
        (cpu / "scaling_cur_freq").write_text(str(khz))
    assert Device(tmp_path).read() == ({"cpu": 41.5}, {"cpu": 1500.0})


def test_a_discrete_gpu_tells_through_the_drivers_own_tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho '61, 1395'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert Device(tmp_path, uses_gpu=True).read() == ({"gpu": 61.0}, {"gpu": 1395.0})
    assert Device(tmp_path).read() == ({}, {})


def test_where_the_drivers_tool_is_missing_it_is_asked_once(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    device = Device(tmp_path, uses_gpu=True)
    assert device.read() == ({}, {})
    assert device.uses_gpu is False


def test_the_load_of_others_is_all_that_is_busy_but_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    device: Any = SimpleNamespace(ticks=iter([(10.0, 100.0), (16.0, 120.0)]).__next__)
    spent = iter([1.0, 3.0])
    monkeypatch.setattr(time, "process_time", lambda: next(spent))
    assert Load(device).share() == pytest.approx((6 - 2) / 20)


def test_the_load_over_no_time_is_unknown() -> None:
    device: Any = SimpleNamespace(ticks=iter([(10.0, 100.0), (10.0, 100.1)]).__next__)
    assert Load(device).share() is None


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (
            FileNotFoundError("An error happened while trying to locate …"),
            "none in the cache, and no network",
        ),
        (ConnectionError("x"), "none in the cache, and no network"),
        (ValueError("the file is torn. Delete it and try again."), "ValueError: the file is torn."),
        (RuntimeError("x" * 300), "RuntimeError: " + "x" * 80),
    ],
)
def test_why_weights_are_random_is_a_few_words(fault: Exception, words: str) -> None:
    assert why_random(fault) == words


def test_an_answer_of_the_hub_is_quoted() -> None:
    fault = OSError("401 Unauthorized.\nSee https://example.org")
    fault.response = object()  # type: ignore[attr-defined]
    assert why_random(fault) == "OSError: 401 Unauthorized."
