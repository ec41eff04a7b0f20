"""What the panels of ranking, soak and data quality must say of the scene."""

from __future__ import annotations

from tests.grafana_proofs import Answers, by, near, number, values
from tests.grafana_scene import HOLE, MODELS, MORE

A, B, C = MODELS

# ---- ranking -------------------------------------------------------------------------------------


def ranking(answers: Answers) -> None:
    found = by((row for row in answers[0] if "agx" in row["table"]), "model")
    assert found[A]["tie_group"] == found[B]["tie_group"] == "1"
    assert found[C]["tie_group"] == "2"
    assert found[C]["rank"] == "3"
    for row in found.values():
        assert number(row, "sam_lo") < number(row, "sam") < number(row, "sam_hi")


def intervals(answers: Answers) -> None:
    found = by(answers[0], "model")
    assert number(found[A], "lo") < number(found[B], "sam") < number(found[A], "hi")
    assert number(found[C], "sam") < number(found[A], "lo")


def pareto(answers: Answers) -> None:
    beaten, best = ({row["model"] for row in rows} for rows in answers)
    assert C in beaten
    assert best & {A, B}


def sweep(answers: Answers) -> None:
    rows = answers[0]
    assert len(rows) > 1
    assert [number(row, "a") for row in rows] == sorted(number(row, "a") for row in rows)
    assert {row[C] for row in rows} == {"3"}


def netscores(answers: Answers) -> None:
    assert {row["model"] for row in answers[0]} == set(MODELS)
    assert {number(row, "netscore_rank") for row in answers[0]} == {1.0, 2.0, 3.0}


def agreement(answers: Answers) -> None:
    (row,) = [row for row in answers[0] if row["id"].startswith("jetson-agx-orin/imagenet/")]
    assert -1 <= number(row, "netscore_tau_lo") <= number(row, "netscore_tau") <= 1


# ---- soak ----------------------------------------------------------------------------------------


def verdicts(answers: Answers) -> None:
    (row,) = answers[0]
    assert (row["node"], row["verdict"], row["reasons"]) == ("orin-1", "fail", "drift")
    assert number(row, "windows_expected") == 180


def held(answers: Answers) -> None:
    (row,) = answers[0]
    assert (row["name"], row["verdict"], row["unit"]) == ("drift", "fail", "%/day")
    assert number(row, "lo") < number(row, "value") < number(row, "hi")


def drift(answers: Answers) -> None:
    (row,) = answers[0]
    assert (row["metric"], number(row, "per_day")) == ("j_per_image", 9.0)


def steps(answers: Answers) -> None:
    (row,) = answers[0]
    assert (row["_time"][11:16], number(row, "step")) == ("10:00", 0.12)


def episodes(answers: Answers) -> None:
    (row,) = answers[0]
    assert (row["kind"], row["_time"][11:16], row["until"][11:16]) == ("throttled", "09:01", "09:03")


def minutes(answers: Answers) -> None:
    """Whatever the window period: the last of before and the first of after may share one."""
    ten = answers[0][0]["_time"][:11] + "10:00:30"
    rows = [row for query in answers for row in query]
    before = [number(row) for row in rows if row["_time"] < ten and row["of"] == "min"]
    after = [number(row) for row in rows if row["_time"] > ten and row["of"] == "max"]
    assert near(sum(after) / len(after) / (sum(before) / len(before)), MORE, 0.01)


def latencies(answers: Answers) -> None:
    assert all(near(each, 1000, 1) for each in values(answers[0], node="orin-1"))


# ---- data quality --------------------------------------------------------------------------------


def accounts(answers: Answers) -> None:
    for row in answers[0]:
        parts = sum(number(row, name) for name in ("stored", "lost", "spooled", "missing"))
        assert number(row, "made") == parts, row
    holed = next(row for row in answers[0] if (row["node"], row["stream"]) == ("nuc-1", "power/main"))
    assert number(holed, "missing") == len(HOLE)


def hole(answers: Answers) -> None:
    (row,) = answers[0]
    assert (row["node"], row["stream"], number(row, "missing")) == ("nuc-1", "power/main", len(HOLE))


def dead(answers: Answers) -> None:
    (row,) = answers[0]
    assert (row["node"], row["stream"], row["dead"]) == ("tx2-1", "power/main", "1")


def reasons(answers: Answers) -> None:
    assert any("not MessagePack" in row["reason"] for row in answers[0])
    assert sum(number(row, "letters") for row in answers[0]) == 2


def revised(answers: Answers) -> None:
    found = by(answers[0], "window")
    assert number(found["orin-3-9"], "number") == 2


def late(answers: Answers) -> None:
    assert max(values(answers[0])) > 3600  # hours, as the day was over


def stored(answers: Answers) -> None:
    frames, some = answers
    assert max(values(some)) > max(values(frames)) > 0


def busy(answers: Answers) -> None:
    assert all(0 < each < 3 for each in values(answers[0]))


def clocks(answers: Answers) -> None:
    found = values(answers[0], node="tx2-1", _field="offset_ns", of="mean")
    assert all(near(each, 600e9, 1e6) for each in found)
    assert all(abs(each) < 1e9 for each in values(answers[0], node="orin-2", _field="offset_ns"))


def bad_clocks(answers: Answers) -> None:
    assert {row["node"] for row in answers[0]} == {"tx2-1"}


def spread(answers: Answers) -> None:
    totals = [row for row in answers[0] if row["_field"] == "total" and row["node"] != "bench"]
    stuck = {(row["node"], row["_time"][11:13]) for row in totals if number(row) == 0}
    assert stuck == {("tx2-1", "11")}


def flags(answers: Answers) -> None:
    assert {row["node"] for row in answers[0] if "frozen" in row["flags"]} == {"tx2-1"}
    assert "tx2-frozen" in by(answers[0], "window")
