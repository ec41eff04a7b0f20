"""What dashboards read of documents: flat fields that keep their types, a point for each row of a ranking."""

from __future__ import annotations

import json
import math
from typing import Any

from telemetry.store.influx.documents import line_of
from telemetry.store.influx.plotted import fields_of
from telemetry.store.interface import Revision

GROUP = {
    "device": "jetson-tx2",
    "dataset": "imagenet",
    "origin": "measured",
    "sensor": None,
    "power_mode": "MAXN",
}


def row(rank: int, model: str, **fields: Any) -> dict[str, Any]:
    return {
        "rank": rank,
        "model": model,
        "precision": None,
        "batch_size": 8,
        "sam": 1.5,
        "sam_lo": 1.0,
        **fields,
    }


RANKING = {
    "group": GROUP,
    "unit": "J",
    "rows": [row(1, "a"), row(2, "b")],
    "pareto": [2],
    "netscore": {"rows": [{"rank": 2, "netscore": 70.5, "netscore_rank": 1}]},
    "sensitivity": [{"a": 3.0, "unit": "mJ", "order": [2, 1], "undefined": [1]}],
}


def fields(said: dict[str, Any]) -> list[str]:
    return [each.decode() for each in fields_of(said)]


def lines(kind: str, said: dict[str, Any]) -> list[str]:
    revision = Revision(kind=kind, id="i", revision=3, node=None, doc=json.dumps(said).encode())
    return line_of(revision, 77).decode().splitlines()


def test_lists_of_words_are_one_text() -> None:
    assert fields({"reasons": ["gap", "coverage"]}) == ['reasons="gap, coverage"']


def test_a_line_of_the_budget_is_a_field_of_its_own_and_equal_names_add_in_squares() -> None:
    budget = [{"name": "gain", "u_j": 3.0}, {"name": "gain", "u_j": 4.0}, {"name": "edge begin", "u_j": 1}]
    assert fields({"budget": budget}) == ["budget_gain=5.0", "budget_edge\\ begin=1.0"]


def test_what_is_no_number_is_no_field() -> None:
    assert fields({"mean_w": math.inf, "max_w": None, "hits": "AAAA"}) == []


def test_each_row_of_a_ranking_is_a_point_with_what_it_is_of_as_tags() -> None:
    _, first, second = lines("ranking", RANKING)
    assert first.startswith(
        "ranking_row,batch_size=8,dataset=imagenet,device=jetson-tx2,id=i,model=a,origin=measured,"
        "power_mode=MAXN,revision=000000003 "
    )
    assert second.endswith(" 77")


def test_a_row_tells_its_place_elsewhere_and_whether_another_one_beats_it() -> None:
    _, first, second = (line.split(" ")[1].split(",") for line in lines("ranking", RANKING))
    assert {"pareto=false", 'unit="J"', "sam=1.5"} <= set(first)
    assert {"pareto=true", "netscore=70.5", "netscore_rank=1.0", "place_mJ_3=1.0"} <= set(second)
    assert not [each for each in first if each.startswith("place_")]


def test_a_ranking_without_rows_is_one_point() -> None:
    assert len(lines("ranking", {})) == 1


def test_what_a_soak_found_is_points_of_their_own() -> None:
    soak = {
        "end": 9,
        "figures": {"drift": 1.5},
        "held": [{"name": "drift", "unit": "%/day", "verdict": "fail", "value": 3.0, "words": "too much"}],
        "episodes": [{"kind": "frozen", "begin": 5, "end": 6, "words": "main"}],
    }
    whole, held, episode = lines("soak", soak)
    assert "figures_drift=1.5" in whole
    assert held.endswith(' unit="%/day",value=3.0,words="too much" 9')
    assert held.startswith("soak_held,id=i,name=drift,revision=000000003,verdict=fail ")
    assert episode == 'soak_episodes,id=i,kind=frozen,revision=000000003 begin=5i,end=6i,words="main" 5'
