"""What each panel must say of the scene, by name, and what it must not say of healthy nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from tests.grafana_rendering import Row
from tests.grafana_scene import CHANNELS, FLEET, HOLE, HOURS, MODELS, MORE

Rows = list[Row]
Answers = list[Rows]
A = next(iter(MODELS))


class Proof(NamedTuple):
    """`holds` raises where the answers (one for each query) do not have the facts. `node` is who is asked.

    `silent` is a healthy node for which the panel must be empty; `trial` is the trial that is chosen; the
    time range begins at the hour `since`.
    """

    holds: Callable[[Answers], None]
    node: str = ".*"
    silent: str | None = None
    trial: str = "orin-1-2"
    since: float = HOURS[0]


def by(rows: Iterable[Row], column: str) -> dict[str, Row]:
    """Rows by a column."""
    return {row[column]: row for row in rows}


def number(row: Row, column: str = "_value") -> float:
    return float(row[column])


def values(rows: Iterable[Row], **chosen: str) -> list[float]:
    """The values of the rows in which columns are as chosen."""
    return [
        number(row)
        for row in rows
        if row["_value"] and all(row.get(key) == wanted for key, wanted in chosen.items())
    ]


def near(value: float, wanted: float, within: float) -> bool:
    return abs(value - wanted) <= within


# ---- fleet ---------------------------------------------------------------------------------------


def states(answers: Answers) -> None:
    found = by(answers[0], "state")
    assert number(found["reporting"], "node") == 1  # the one that runs now
    assert number(found["silent"], "node") == 6


def kinds(answers: Answers) -> None:
    assert number(by(answers[0], "device")["jetson-orin-nx"], "node") == len(FLEET)


def troubles(answers: Answers) -> None:
    found = by(answers[0], "kind")
    assert found["regression"]["names"] == "orin-1"
    assert found["frozen"]["names"] == "tx2-1"
    assert "orin-2" not in str(found)  # its silence is over


def nodes(answers: Answers) -> None:
    facts, heard, watts, reported, clocks = (by(rows, "node") for rows in answers)
    assert facts["tx2-1"]["device"] == "jetson-tx2"
    assert facts["bench"]["origin"] == "synthetic"
    assert (heard["bench"]["state"], heard["orin-1"]["state"]) == ("reporting", "silent")
    assert near(number(watts["orin-1"], "watts"), 10 * MORE, 0.5)
    assert number(reported["orin-2"], "spool_bytes") == 4096
    assert near(number(clocks["tx2-1"], "clock_offset_ns"), 600e9, 1e9)
    assert near(number(clocks["orin-1"], "clock_offset_ns"), 1e6, 1e6)


def watts(answers: Answers) -> None:
    (rows,) = answers
    assert {row["_field"] for row in rows} == {"total"}
    assert {row["of"] for row in rows} == {"mean", "min", "max"}
    assert all(near(each, 20.0, 0.2) for each in values(rows, node="nuc-1", of="mean"))
    low, high = values(rows, node="nuc-1", of="min"), values(rows, node="nuc-1", of="max")
    assert max(low) < 20.0 < min(high)


def coverage(answers: Answers) -> None:
    assert set(values(answers[0], node="orin-2")) == {1.0}


def against_normal(answers: Answers) -> None:
    found = {row["node"]: row for row in answers[0] if row["model"] == "vit-small"}
    assert near(number(found["orin-1"], "against_own"), 12, 2)
    assert near(number(found["orin-1"], "against_kind"), 12, 2)
    for healthy in ("orin-2", "orin-3"):
        assert abs(number(found[healthy], "against_own")) < 2
        assert abs(number(found[healthy], "against_kind")) < 2


def hours(answers: Answers) -> None:
    rows = answers[0]
    regressed = {row["_time"][11:13] for row in rows if row["node"] == "orin-1" and number(row) > 5}
    assert regressed == {"10", "11", "12", "13"}
    for healthy in ("orin-2", "orin-3"):
        assert all(abs(each) < 2 for each in values(rows, node=healthy))


def lasting(answers: Answers) -> None:
    found = {(row["kind"], row["node"]): row for row in answers[0]}
    regression = found["regression", "orin-1"]
    assert regression["since"][11:16] in ("10:00", "10:01")
    assert near(number(regression, "value") / number(regression, "expected"), MORE, 0.02)
    assert ("frozen", "tx2-1") in found
    assert not {node for _, node in found} & {"orin-2", "orin-3"}


# ---- node, trials --------------------------------------------------------------------------------


def total_of_x(answers: Answers) -> None:
    (rows,) = answers
    assert {row["_field"] for row in rows} == {"total"}
    assert {row["of"] for row in rows} == {"mean", "min", "max"}
    early = [number(row) for row in rows if row["of"] == "mean" and row["_time"][11:13] == "08"]
    late = [number(row) for row in rows if row["of"] == "mean" and row["_time"][11:13] == "12"]
    assert near(late[0] / early[0], MORE, 0.03)


def parts_of_x(answers: Answers) -> None:
    assert {row["_field"] for row in answers[0]} == set(CHANNELS) - {"total"}


def has(field: str, low: float, high: float) -> Callable[[Answers], None]:
    """Each value of a field is in a range, with mean, minimum and maximum."""

    def holds(answers: Answers) -> None:
        rows = [row for rows in answers for row in rows if row["_field"] == field]
        assert rows
        assert all(low <= number(row) <= high for row in rows)

    return holds


def cost(answers: Answers) -> None:
    share, memory = answers
    assert all(near(each, 0.01, 0.001) for each in values(share))
    assert set(values(memory, of="mean")) == {40.0}


def offsets(answers: Answers) -> None:
    (rows,) = answers
    assert {row["of"] for row in rows} == {"mean", "min", "max"}
    assert all(near(each, 600e9, 1e6) for each in values(rows, of="mean"))
    assert max(values(rows, of="min")) < min(values(rows, of="max"))


def years(answers: Answers) -> None:
    (rows,) = answers
    assert {row["of"] for row in rows} == {"mean", "min", "max"}
    assert all(near(each, 20.0, 0.2) for each in values(rows, of="mean", _field="total"))


def results(answers: Answers) -> None:
    found = by(answers[0], "window")
    assert near(number(found["orin-1-2"], "energy_j"), 100, 2)
    assert near(number(found["orin-1-16"], "energy_j"), 100 * MORE, 2)
    assert found["orin-1-2"]["state"] == "valid"


def repeats(answers: Answers) -> None:
    found = [row for row in answers[0] if row["model"] == A]
    assert [row["window"] for row in found] == [f"A-{index}" for index in range(5)]
    for row in found:
        assert number(row, "lo") < number(row, "energy_j") < number(row, "hi")


def samples(answers: Answers) -> None:
    (rows,) = answers
    assert max(values(rows)) > 0
    assert [row for row in rows if not row["_value"]]  # nothing came, and that shows


def gaps(answers: Answers) -> None:
    assert [number(row, "frames_missing") for row in answers[0]] == [len(HOLE)]
    assert answers[0][0]["node"] == "nuc-1"


def budget(answers: Answers) -> None:
    lines = by(answers[0], "line")
    assert near(number(lines["gain"], "u_j"), 1.0, 0.05)  # 1 % of 100 J
    assert number(answers[0][0], "u_j") == max(number(row, "u_j") for row in answers[0])


def facts(answers: Answers) -> None:
    (row,) = answers[0]
    assert (row["state"], number(row, "images"), number(row, "coverage")) == ("valid", 100, 1)


def revisions(answers: Answers) -> None:
    first, second = answers[0]
    assert "frames_missing" in first["reasons"]
    assert "still missing" in first["reason"]
    assert (number(second, "number"), second["state"]) == (2, "valid")
