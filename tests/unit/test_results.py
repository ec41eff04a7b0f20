from __future__ import annotations

import pytest

from e3p.results import print_results
from tests.unit.ranking.made import line, trial

RESULT = trial(
    "levit", energy_j=100.0, budget=(line("noise", 1.0), line("gain", 3.0, shared=True), line("delay", 0.1))
)


def shown(capsys: pytest.CaptureFixture[str], *, budgets: bool) -> str:
    print_results([RESULT], json=False, budgets=budgets)
    return capsys.readouterr().out


def test_a_trials_line_says_what_makes_it_uncertain(capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(capsys, budgets=False)
    assert out.splitlines()[2].endswith("gain 90%, noise 10%")
    assert "budget of" not in out


def test_a_budget_has_the_lines_that_matter_the_largest_first(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, budgets=True).splitlines()
    budget = lines[lines.index(next(line for line in lines if line.startswith("budget of main"))) + 2 :]
    assert [line.split()[0] for line in budget[:2]] == ["gain", "noise"]
    assert budget[2] == "1 line is less than 1% of the variance: --json has them all"


def test_a_result_without_a_budget_says_nothing_of_causes(capsys: pytest.CaptureFixture[str]) -> None:
    print_results([trial("levit", budget=())], json=False)
    assert "budget of" not in capsys.readouterr().out


def test_what_lies_above_idle_stands_beside_the_energy_with_its_own_interval(
    capsys: pytest.CaptureFixture[str],
) -> None:
    above = trial("levit", energy_j=100.0, idle_w=2.0, net_j=60.04, net_u95_j=1.5)
    print_results([above, RESULT], json=False, budgets=False)
    head, _, first, second = capsys.readouterr().out.splitlines()
    assert head.index("above idle") > head.index("energy")
    assert first[head.index("above idle") :].startswith("60.0 ± 1.5 J ")
    assert second[head.index("above idle") :].startswith("- ")


def test_where_there_is_no_result_there_is_no_table_and_the_answer_is_no(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert print_results([], json=False) == 1
    assert capsys.readouterr().out == ""
