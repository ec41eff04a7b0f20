from __future__ import annotations

from dataclasses import replace
from math import exp, log

import pytest

from analyzer.candidates import Candidate
from analyzer.families import Families, compare_families, families_of
from telemetry.contract.documents import Result
from tests.unit.ranking.made import trials
from view.families import families_table, family_lines


def candidate(model: str, *, hybrid: bool = False, distilled: bool = False) -> Candidate:
    return Candidate(model, 80.0, 10.0, 2.0, hybrid=hybrid, distilled=distilled)


FACTS = {
    each.model: each
    for each in [
        *(candidate(f"hybrid-{at}", hybrid=True) for at in range(5)),
        *(candidate(f"plain-{at}") for at in range(5)),
        candidate("both", hybrid=True, distilled=True),
    ]
}


def measured(models: dict[str, float], **more: object) -> list[Result]:
    return [each for model, energy in models.items() for each in trials(model, [energy, energy], **more)]


HYBRID = {f"hybrid-{at}": 200.0 * 1.02**at for at in range(5)}
PLAIN = {f"plain-{at}": 400.0 * 1.02**at for at in range(5)}


def of(*parts: list[Result]) -> Families:
    return compare_families([each for part in parts for each in part], FACTS)


def test_a_model_may_be_of_two_families_and_is_plain_only_without_any() -> None:
    assert families_of(FACTS["both"]) == ("hybrid", "distilled")
    assert families_of(FACTS["plain-0"]) == ("plain",)


def test_a_family_that_takes_half_the_energy_is_told_so() -> None:
    found = of(measured(HYBRID), measured(PLAIN))
    effect = next(each for each in found.effects if each.family == "hybrid")
    assert exp(effect.log_energy.difference) == pytest.approx(0.5, rel=1e-4)
    assert effect.log_energy.lo < log(0.5) < effect.log_energy.hi
    assert (effect.models, effect.others) == (5, 5)
    assert any(line.startswith("hybrid models take 0.50 (0.4") for line in family_lines(found))


def test_what_each_mac_costs_is_told_where_the_energy_alone_tells_nothing() -> None:
    """Half the MACs at the same energy."""
    small = {name: replace(each, macs_g=1.0) if each.hybrid else each for name, each in FACTS.items()}
    alike = {name: 400.0 * 1.02**at for at in range(5) for name in (f"hybrid-{at}", f"plain-{at}")}
    lines = list(family_lines(compare_families(measured(alike), small)))
    assert lines[0].startswith("hybrid models take 2.00 (1.9")
    assert lines[0].endswith(") times the energy for each MAC (5 against 5 models)")


def test_joules_for_one_mac_do_not_know_how_large_a_model_is() -> None:
    member = of(measured(HYBRID), measured(PLAIN)).members[0]
    assert member.energy_per_gmac_j == pytest.approx(member.energy_j / 1000 / 2.0)


def test_a_family_of_one_model_is_not_compared() -> None:
    found = of(measured(HYBRID), measured(PLAIN), measured({"both": 300.0}))
    assert {each.family for each in found.effects} == {"hybrid", "plain"}
    [untold] = found.untold
    assert untold.name == "distilled"
    assert untold.reason == "1 models of it and 10 others are measured; 3 of each are needed"


def test_a_model_that_no_table_knows_is_named() -> None:
    found = of(measured(HYBRID), measured(PLAIN), measured({"mine": 300.0}))
    assert [each.name for each in found.untold if "no table" in each.reason] == ["mine"]


def test_only_the_setting_that_most_models_have_counts() -> None:
    found = of(measured(HYBRID), measured(PLAIN), measured({"both": 300.0, "plain-0": 1.0}, batch_size=32))
    assert found.batch_size == 1
    assert len(found.members) == 10
    assert [each.name for each in found.untold if "another setting" in each.reason] == ["both"]


def test_three_against_three_are_said_to_be_too_few() -> None:
    few = {name: energy for name, energy in {**HYBRID, **PLAIN}.items() if name[-1] in "012"}
    lines = list(family_lines(of(measured(few))))
    assert lines[0].startswith("hybrid: 3 against 3 models are too few for any difference")


def test_the_table_has_a_row_for_each_family_and_quantity() -> None:
    table = families_table(of(measured(HYBRID), measured(PLAIN)))
    assert [row[0] for row in table.rows] == ["hybrid"] * 3 + ["plain"] * 3
    assert {row[2] for row in table.rows} == {"energy", "energy per MAC", "accuracy"}
    assert table.rows[0][1] == "5 / 5"
