"""Whether an agent sees what a trial runs on, and which GPU the trial is sent to."""

from __future__ import annotations

import pytest

from e3p.sight import judge, streams_of
from telemetry.contract.encode import encode
from telemetry.contract.errors import UserError
from telemetry.contract.frames import ManifestFrame
from telemetry.contract.manifest import Device, StreamInfo
from telemetry.contract.replies import State, StateName
from telemetry.contract.topics import node_topic
from telemetry.runtime.mqtt import Message

GPU = "GPU-5a1c0b7e"


def _stream(sensor: str, name: str = "main", source: str | None = None) -> StreamInfo:
    return StreamInfo(
        stream=name,
        sensor=sensor,
        channels=("total",),
        total="total",
        origin="measured",
        period_ms=1.0,
        source=source,
    )


def _about(node: str, os_boot: str, *streams: StreamInfo) -> Message:
    manifest = ManifestFrame(
        v=1, boot="b", seq=0, anchor=0, t0=0, os_boot=os_boot, device=Device(kind="x86-cpu"), software="s",
        hash="h", streams=streams,
    )  # fmt: skip
    return Message(node_topic(node, "about"), encode(manifest), retain=True)


def _state(node: str, state: StateName) -> Message:
    told = State(state=state, boot="b", since=0, software="s")
    return Message(node_topic(node, "state"), encode(told), retain=True)


@pytest.mark.parametrize(("device", "sensor"), [("cuda", "rapl"), ("cuda", "estimate"), ("cpu", "nvml")])
def test_trials_on_what_the_agent_does_not_see_are_refused(device: str, sensor: str) -> None:
    with pytest.raises(
        UserError, match=rf"measures {sensor}, which does not see a trial on {device}: start it"
    ):
        judge([_stream(sensor)], device, {})


@pytest.mark.parametrize(
    ("device", "sensor"),
    [("cuda", "nvml"), ("cuda", "jetson"), ("cuda", "battery"), ("cpu", "rapl"), ("cpu", "synthetic")],
)
def test_trials_on_what_the_agent_sees_begin_without_a_word(device: str, sensor: str) -> None:
    assert judge([_stream(sensor)], device, {}).warnings == ()


def test_of_two_streams_the_one_that_rankings_use_should_see_the_trial() -> None:
    blind_first = [_stream("rapl", "main"), _stream("nvml", "other")]
    (words,) = judge(blind_first, "cuda", {}).warnings
    assert (
        "rankings use stream 'main', the first by name; its sensor rapl does not see a trial on cuda" in words
    )
    assert judge([_stream("nvml", "main"), _stream("rapl", "other")], "cuda", {}).warnings == ()


def test_the_trial_runs_on_the_gpu_that_is_measured() -> None:
    assert judge([_stream("nvml", source=GPU)], "cuda", {}).env == {"CUDA_VISIBLE_DEVICES": GPU}


def test_a_trial_on_another_gpu_than_the_measured_one_is_refused() -> None:
    with pytest.raises(UserError, match=f"CUDA_VISIBLE_DEVICES=GPU-9, but the agent measures {GPU}"):
        judge([_stream("nvml", source=GPU)], "cuda", {"CUDA_VISIBLE_DEVICES": "GPU-9"})


def test_what_a_person_chose_stays_chosen() -> None:
    streams = [_stream("nvml", source=GPU)]
    assert judge(streams, "cuda", {"CUDA_VISIBLE_DEVICES": GPU[:8]}).env == {}
    sight = judge(streams, "cuda", {"CUDA_VISIBLE_DEVICES": "1"})
    assert sight.env == {}
    assert "names a GPU by a number" in sight.warnings[0]


def test_of_several_measured_gpus_none_is_chosen() -> None:
    streams = [_stream("nvml", "main", GPU), _stream("nvml", "second", "GPU-9")]
    assert judge(streams, "cuda", {}).env == {}


def test_an_agent_that_nobody_knows_of_is_said_to_be_unchecked_for_a_gpu() -> None:
    assert "is not checked" in judge([], "cuda", {}).warnings[0]
    assert judge([], "cpu", {}).warnings == ()


def test_only_agents_of_this_machine_that_are_not_over_are_looked_at() -> None:
    heard = [
        _about("here", "mine", _stream("rapl")),
        _state("here", "ready"),
        _about("before", "mine", _stream("nvml")),
        _state("before", "gone"),
        _about("elsewhere", "theirs", _stream("jetson")),
        Message(node_topic("broken", "about"), b"?", retain=True),
    ]
    assert [stream.sensor for stream in streams_of(heard, "mine")] == ["rapl"]
