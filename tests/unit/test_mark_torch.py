"""A PyTorch program under watch: its forward passes as batches, timed by the clock or by CUDA events."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edge_node import mark, mark_torch
from tests.fakes.inbox import Inbox, forget_senders

REAL_TORCH: Any
try:
    import torch  # here, since a process can load it only once, and fakes take its place below

    REAL_TORCH = torch
except ImportError:
    REAL_TORCH = None


class Model:
    """As much of `torch.nn.Module` as hooks need; `inner` is called within its own pass."""

    def __init__(self, inner: Model | None = None) -> None:
        self.before: list[Callable[..., None]] = []
        self.after: list[Callable[..., None]] = []
        self.inner = inner

    def register_forward_pre_hook(self, hook: Callable[..., None]) -> Any:
        self.before.append(hook)
        return SimpleNamespace(remove=lambda: self.before.remove(hook))

    def register_forward_hook(self, hook: Callable[..., None]) -> Any:
        self.after.append(hook)
        return SimpleNamespace(remove=lambda: self.after.remove(hook))

    def __call__(self, images: Any) -> Any:
        for hook in self.before:
            hook(self, (images,))
        if self.inner is not None and getattr(images, "deep", False):
            self(SimpleNamespace(shape=(1,)))
        for hook in self.after:
            hook(self, (images,), images)
        return images


class Event:
    """A CUDA event: its time is that of the device's queue, and it is over when the device says so."""

    device_ns = 0
    done_until_ns = 0

    def __init__(self, *, enable_timing: bool) -> None:
        assert enable_timing
        self.ns = -1

    def record(self) -> None:
        Event.device_ns += 5_000_000
        self.ns = Event.device_ns

    def synchronize(self) -> None:
        Event.done_until_ns = Event.device_ns

    def query(self) -> bool:
        return self.ns <= Event.done_until_ns

    def elapsed_time(self, later: Event) -> float:
        return (later.ns - self.ns) / 1e6


def batch(size: int, **more: Any) -> Any:
    return SimpleNamespace(shape=(size, 3, 8, 8), **more)


@pytest.fixture(autouse=True)
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("E3P_SOCKET", str(tmp_path / "m"))
    monkeypatch.setattr(mark_torch, "PREPARE_S", 0)

    def synchronize() -> None:
        Event.done_until_ns = Event.device_ns

    cuda = SimpleNamespace(Event=Event, synchronize=synchronize, get_device_name=lambda: "Fake GPU")
    monkeypatch.setitem(
        sys.modules, "torch", SimpleNamespace(__version__="0.fake", get_num_threads=lambda: 2, cuda=cuda)
    )
    Event.device_ns = Event.done_until_ns = 0
    forget_senders()
    yield
    forget_senders()


def test_passes_after_the_warm_up_are_the_batches_of_one_trial(tmp_path: Path) -> None:
    model = Model()
    with Inbox(tmp_path / "m") as inbox:
        watched = mark_torch.watch(model, "m", dataset="d", group="g", precision="fp16")
        for size in (8, 8, 8, 4, 2):
            model(batch(size))
        watched.end()
    prepare, begin, batches, end = inbox.lines
    assert prepare["kind"] == "prepare"
    told = {key: begin[key] for key in ("model", "dataset", "group", "batch_size", "precision", "backend")}
    assert told == {
        "model": "m",
        "dataset": "d",
        "group": "g",
        "batch_size": 4,
        "precision": "fp16",
        "backend": "torch-cpu",
    }
    assert begin["context"]["libraries"]["torch"] == "0.fake"
    assert batches["images"] == [4, 2]
    assert (end["status"], end["images"]) == ("ok", 6)


def test_at_the_end_the_model_is_as_it_was(tmp_path: Path) -> None:
    model = Model()
    watched = mark_torch.watch(model, "m", warmup=0)
    model(batch(1))
    watched.end()
    watched.end()
    assert (model.before, model.after) == ([], [])


def test_a_model_that_calls_itself_is_one_pass(tmp_path: Path) -> None:
    model = Model()
    model.inner = model
    with Inbox(tmp_path / "m") as inbox:
        watched = mark_torch.watch(model, "m", warmup=1)
        model(batch(4, deep=True))
        model(batch(4, deep=True))
        watched.end()
    assert inbox.of("batches")[0]["images"] == [4]


def test_an_exception_in_its_block_aborts_the_trial_and_goes_on(tmp_path: Path) -> None:
    model = Model()
    with Inbox(tmp_path / "m") as inbox:
        watched = mark_torch.watch(model, "m", warmup=0)
        model(batch(1))
        with pytest.raises(ZeroDivisionError), watched:
            _ = 1 / 0
        model(batch(1))
    assert [line["status"] for line in inbox.of("trial_end")] == ["aborted"]
    assert model.before == []


def test_without_a_pass_there_is_no_trial(tmp_path: Path) -> None:
    with Inbox(tmp_path / "m") as inbox:
        mark_torch.watch(Model(), "m").end()
    assert inbox.kinds() == ["prepare"]


def test_on_a_gpu_events_tell_the_time_and_nothing_waits_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model()
    with Inbox(tmp_path / "m") as inbox:
        watched = mark_torch.watch(model, "m", warmup=0)
        for _ in range(3):
            model(batch(4, is_cuda=True))
        assert watched.trial is not None
        assert watched.trial.images == 0  # the device has finished none of them yet
        Event.done_until_ns = Event.device_ns - 7_000_000
        model(batch(4, is_cuda=True))
        assert watched.trial.images == 8
        watched.end()
    (batches,) = inbox.of("batches")
    took = [end - begin for begin, end in zip(batches["begin"], batches["end"], strict=True)]
    assert took == [5_000_000] * 4
    assert batches["begin"] == sorted(batches["begin"])
    assert inbox.of("trial_begin")[0]["backend"] == "torch-cuda"
    assert inbox.of("trial_begin")[0]["context"]["accelerator"] == "Fake GPU"


def test_events_stay_on_the_clock_of_marks_over_an_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    longest = 0.0
    real = Event.elapsed_time

    def elapsed_time(event: Event, later: Event) -> float:
        nonlocal longest
        longest = max(longest, real(event, later))
        return real(event, later)

    monkeypatch.setattr(Event, "elapsed_time", elapsed_time)
    monkeypatch.setattr(mark, "now_ns", lambda: 1_000_000_000_000)
    told: list[tuple[int, int, int]] = []
    events = mark_torch._Events(sys.modules["torch"])
    anchor_ns = Event.device_ns
    for _ in range(60):
        Event.device_ns += 60_000_000_000
        events.add(events.record(), 1)
        events.drain(lambda *row: told.append(row), wait=True)
    assert told[-1][1] - 1_000_000_000_000 == Event.device_ns - anchor_ns
    assert longest < 2 * mark_torch.ANCHOR_MS + 100


def test_of_a_real_model_a_pass_that_fails_is_no_batch_and_those_after_it_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if REAL_TORCH is None:
        pytest.skip("no torch here")
    monkeypatch.setitem(sys.modules, "torch", REAL_TORCH)
    torch = REAL_TORCH
    model = torch.nn.Linear(4, 2)
    with Inbox(tmp_path / "m") as inbox:
        with mark_torch.watch(model, "linear", warmup=1):
            before = time.monotonic_ns()
            model(torch.zeros(5, 4))
            model(torch.zeros(5, 4))
            with pytest.raises(RuntimeError):
                model(torch.zeros(7, 3))
            model(torch.zeros(5, 4))
        after = time.monotonic_ns()
    (batches,) = inbox.of("batches")
    assert batches["images"] == [5, 5]
    assert before <= batches["begin"][0] <= batches["end"][-1] <= after
