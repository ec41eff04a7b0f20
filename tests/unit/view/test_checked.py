"""The verdicts of `e3p check` below a ranking."""

from __future__ import annotations

from analyzer.checks import check_all
from tests.unit.checks.made import campaign, good
from view.checked import checks_table


def test_each_configuration_of_the_ranking_has_its_verdict_and_what_stands_against_it() -> None:
    checks = check_all([*campaign(throttle=("gpu",)), good("elsewhere", device="rtx-3050")])
    table = checks_table(checks, next(check.group for check in checks if check.model == "vit"))
    assert table.rows == (
        ("levit, fp16, batch 8, torch-cuda", "no, but it can be used", "throttle: gpu"),
        ("vit, fp16, batch 8, torch-cuda", "yes", None),
    )


def test_what_several_trials_have_in_common_is_told_once() -> None:
    spoilt = [good("m", at, throttle=("gpu",), begin=at, end=at + 12_000_000_000) for at in range(3)]
    (check,) = check_all(spoilt)
    ((_, verdict, against),) = checks_table([check], check.group).rows
    assert verdict == "no, but it can be used"
    assert against == "duration: 12.0 s; throttle: gpu"


def test_on_several_nodes_each_is_named() -> None:
    checks = check_all([good("m", at, node=node) for node in ("a", "b") for at in range(3)])
    assert [row[0] for row in checks_table(checks, checks[0].group).rows] == [
        "m, fp16, batch 8, torch-cuda on a",
        "m, fp16, batch 8, torch-cuda on b",
    ]
