from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands import e3p


def test_those_that_pass_are_listed_and_those_that_fail_are_summed_up() -> None:
    said = e3p("screen")
    assert said.status == 0
    assert "90 of 404 candidates" in said.out
    assert "314 fail: 63 on Top-1, 219 on parameters, 215 on MACs" in said.out
    assert len(said.out.splitlines()) == 1 + 2 + 90 + 2


def test_all_lists_those_that_fail_with_what_they_miss() -> None:
    said = e3p("screen", "--all")
    assert "misses" in said.out
    assert "Top-1 0.158 points too low" in said.out
    assert len(said.out.splitlines()) > 404


def test_the_document_has_rows_thresholds_and_counts() -> None:
    said = e3p("screen", "--max-params", 10, "--json")
    document = json.loads(said.out)
    assert document["thresholds"] == {"min_top1": 79.0, "max_params": 10.0, "max_macs": 5.0}
    assert document["counts"]["candidates"] == len(document["rows"]) == 404
    assert document["counts"]["passing"] == sum(row["passes"] for row in document["rows"])
    assert document["rows"][0]["rank"] == 1


def test_the_preset_says_where_its_names_come_from() -> None:
    said = e3p("screen", "--preset", "e3p-vit", "--json")
    document = json.loads(said.out)
    assert len(document["rows"]) == 13
    assert "recovered from public material; the paper does not confirm" in document["note"]
    assert document["note"] in e3p("screen", "--preset", "e3p-vit").out


def test_none_that_passes_is_the_answer_no() -> None:
    assert e3p("screen", "--min-top1", 99).status == 1


@pytest.mark.parametrize(
    "words",
    [
        ("--preset", "e3p-vit", "--candidates", "mine.csv"),
        ("--preset", "other"),
        ("--candidates", "nowhere.csv"),
        ("--min-top1", "0.79"),
        ("--max-macs", "5e9"),
        ("--max-params", "few"),
    ],
)
def test_wrong_input_is_one_line(words: tuple[str, ...]) -> None:
    said = e3p("screen", *words)
    assert said.status == 2
    assert said.out == ""
    assert len(said.err.splitlines()) == 1


def test_a_table_of_ones_own_is_screened(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("model,top1,params_m,gmacs\nmine,80,10,1\nheavy,80,10,7.5\n")
    document = json.loads(e3p("screen", "--candidates", file, "--json").out)
    assert document["source"] == str(file)
    assert [(row["model"], row["passes"]) for row in document["rows"]] == [("mine", True), ("heavy", False)]
    assert document["rows"][1]["fails"] == [{"on": "macs", "value": 7.5, "limit": 5.0, "by": 2.5}]


def test_those_that_pass_become_a_plan_that_a_trial_takes(tmp_path: Path) -> None:
    plan = tmp_path / "stage-2.toml"
    assert e3p("screen", "--preset", "e3p-vit", "--plan", plan).status == 0
    said = e3p("trial", "--plan", plan, "--dry-run")
    assert said.status == 0
    assert said.out.count("efficientvit_b1.r224_in1k") == 3
    again = e3p("screen", "--plan", plan)
    assert (again.status, again.err.count("there is one already")) == (2, 1)


def test_other_exponents_give_another_order() -> None:
    def order(*words: object) -> list[str]:
        document = json.loads(e3p("screen", "--preset", "e3p-vit", "--json", *words).out)
        return [row["model"] for row in document["rows"]]

    by_author, by_work = order(), order("--macs-exponent", 2)
    assert by_author != by_work
    assert by_work.index("levit_192.fb_dist_in1k") < by_work.index("tiny_vit_5m_224.dist_in22k_ft_in1k")
