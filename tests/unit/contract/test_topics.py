from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.contract import topics
from telemetry.contract.errors import Refused
from telemetry.contract.topics import FrameTopic, NodeKind

nodes = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True).filter(lambda name: name != "fleet")
streams = st.from_regex(r"[a-z0-9_-]{1,32}", fullmatch=True)


@given(nodes, st.sampled_from(topics.FRAME_KINDS), streams)
def test_a_frames_topic_is_parsed_as_it_was_built(node: str, kind: topics.FrameKind, stream: str) -> None:
    topic = FrameTopic(node, kind, stream)
    assert topics.parse_frame_topic(str(topic)) == topic


@given(nodes, st.sampled_from(topics.NODE_KINDS))
def test_a_nodes_topic_is_parsed_as_it_was_built(node: str, kind: NodeKind) -> None:
    assert topics.parse_node_topic(topics.node_topic(node, kind)) == (node, kind)


@given(st.text())
def test_any_text_is_a_lawful_topic_or_refused(text: str) -> None:
    try:
        parsed = topics.parse_frame_topic(text)
    except Refused:
        return
    assert str(parsed) == text


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "e3p/v1/node/power",
        "e3p/v1/node/power/main/more",
        "e3p/v2/node/power/main",
        "other/v1/node/power/main",
        "e3p/v1/fleet/power/main",
        "e3p/v1/a.b/power/main",
        "e3p/v1//power/main",
        "e3p/v1/" + "n" * 65 + "/power/main",
        "e3p/v1/nöde/power/main",
        "e3p/v1/node\n/power/main",
        "e3p/v1/node/voltage/main",
        "e3p/v1/node/power/Main",
        "e3p/v1/node/power/" + "s" * 33,
        "e3p/v1/node/power/main\n",
        "e3p/v1/node/state/main",
    ],
)
def test_a_topic_that_is_not_lawful_is_refused(topic: str) -> None:
    with pytest.raises(Refused) as refused:
        topics.parse_frame_topic(topic)
    assert refused.value.code == "topic"


@pytest.mark.parametrize(
    "topic", ["e3p/v1/node", "e3p/v1/fleet/state", "e3p/v1/node/unknown", "e3p/v1/node/state/x"]
)
def test_what_is_no_nodes_own_message_parses_to_none(topic: str) -> None:
    assert topics.parse_node_topic(topic) is None


@pytest.mark.parametrize("name", ["fleet", "", "a/b", "a+", "#", "a.b", "n" * 65])
def test_no_topic_is_built_for_an_unlawful_name(name: str) -> None:
    with pytest.raises(ValueError, match="cannot stand in a topic"):
        topics.node_topic(name, "state")


def test_every_kind_has_its_filter() -> None:
    assert topics.every_frame() == [f"e3p/v1/+/{kind}/+" for kind in topics.FRAME_KINDS]
    assert topics.every_node("ping") == "e3p/v1/+/ping"


def test_the_kinds_are_those_of_the_types() -> None:
    assert get_args(topics.FrameKind) == topics.FRAME_KINDS
    assert get_args(NodeKind) == topics.NODE_KINDS


def test_a_ranking_has_one_topic_for_a_device_and_a_data_set() -> None:
    assert topics.ranking_topic("jetson-tx2", "imagenet") == "e3p/v1/fleet/ranking/jetson-tx2/imagenet"


def test_a_data_set_may_be_called_like_the_fleet() -> None:
    assert topics.ranking_topic("pc", "fleet") == "e3p/v1/fleet/ranking/pc/fleet"


@pytest.mark.parametrize(("device", "dataset"), [("a.b", "x"), ("pc", ""), ("pc", "x/y"), ("p" * 65, "x")])
def test_a_ranking_of_an_unlawful_name_has_no_topic(device: str, dataset: str) -> None:
    with pytest.raises(ValueError, match="cannot stand in a topic"):
        topics.ranking_topic(device, dataset)
