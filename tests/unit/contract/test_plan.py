"""A campaign's plan: which trials there are, in which order, with which settings."""

from __future__ import annotations

import itertools

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from telemetry.contract.plan import (
    CampaignPlan,
    Configuration,
    DataSet,
    Override,
    Planned,
    Steps,
    configurations,
    faults,
    trials_of,
)

SETS = (DataSet(name="one"), DataSet(name="two", images=64))
PLAN = CampaignPlan(
    name="p",
    models=("a", "b", "c"),
    datasets=SETS,
    batch_sizes=(1, 32),
    precisions=("fp32", "fp16"),
    trials=3,
)
names = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=5, unique=True).map(tuple)
plans = st.builds(
    CampaignPlan,
    name=st.just("p"),
    models=names,
    batch_sizes=st.lists(st.integers(1, 64), min_size=1, max_size=3, unique=True).map(tuple),
    trials=st.integers(1, 4),
    seed=st.integers(0, 99),
)


def with_overrides(*overrides: Override) -> CampaignPlan:
    return msgspec.structs.replace(PLAN, overrides=overrides)


def of(plan: CampaignPlan, **wanted: object) -> list[Planned]:
    """The trials of the configurations that have these values."""
    return [
        planned
        for planned in trials_of(plan)
        if all(getattr(planned.key.configuration, name) == value for name, value in wanted.items())
    ]


def test_every_combination_is_a_configuration_measured_so_many_times() -> None:
    assert len(list(configurations(PLAN))) == 3 * 2 * 2 * 2
    planned = trials_of(PLAN)
    assert len(planned) == len({each.key for each in planned}) == 72
    assert [each.order for each in planned] == list(range(72))


@given(plans)
def test_each_repetition_has_every_configuration_once_before_the_next_begins(plan: CampaignPlan) -> None:
    planned, size = trials_of(plan), len(list(configurations(plan)))
    blocks = [planned[start : start + size] for start in range(0, len(planned), size)]
    assert [{each.key.index for each in block} for block in blocks] == [{at} for at in range(plan.trials)]
    for block in blocks:
        assert {each.key.configuration for each in block} == set(configurations(plan))


@given(plans)
def test_the_same_plan_gives_the_same_order(plan: CampaignPlan) -> None:
    assert trials_of(plan) == trials_of(msgspec.structs.replace(plan))


def test_another_seed_gives_another_order_of_the_same_trials() -> None:
    other = msgspec.structs.replace(PLAN, seed=1)
    assert [each.key for each in trials_of(PLAN)] != [each.key for each in trials_of(other)]
    assert {each.key for each in trials_of(PLAN)} == {each.key for each in trials_of(other)}


def test_each_repetition_has_an_order_of_its_own() -> None:
    planned = of(PLAN, dataset="one")
    assert len({tuple(e.key.configuration for e in planned if e.key.index == at) for at in range(3)}) == 3


def test_within_a_repetition_the_trials_of_one_data_set_run_together() -> None:
    sets = [each.dataset.name for each in trials_of(PLAN)]
    changes = sum(before != after for before, after in itertools.pairwise(sets))
    assert changes <= 2 * 3 - 1


def test_an_override_holds_for_what_it_names_and_for_nothing_else() -> None:
    plan = with_overrides(Override(model="a", batch_size=1, min_s=60.0))
    changed = [each for each in trials_of(plan) if each.steps.min_s == 60.0]
    assert {each.key.configuration for each in changed} == {
        Configuration("a", data, 1, precision) for data in ("one", "two") for precision in ("fp32", "fp16")
    }


def test_of_two_overrides_the_later_wins_field_by_field() -> None:
    plan = with_overrides(Override(min_s=60.0, warmup_s=5.0), Override(model="b", min_s=90.0))
    assert {(e.steps.min_s, e.steps.warmup_s) for e in of(plan, model="b")} == {(90.0, 5.0)}
    assert {(e.steps.min_s, e.steps.warmup_s) for e in of(plan, model="a")} == {(60.0, 5.0)}


def test_a_wildcard_names_several_models() -> None:
    plan = msgspec.structs.replace(
        PLAN, models=("vit_s", "vit_b", "levit"), overrides=(Override(model="vit_*", images=500),)
    )
    assert {e.key.configuration.model for e in trials_of(plan) if e.dataset.images == 500} == {
        "vit_s",
        "vit_b",
    }


def test_what_is_skipped_is_not_measured() -> None:
    plan = with_overrides(Override(precision="fp16", batch_size=1, skip=True))
    assert not of(plan, precision="fp16", batch_size=1)
    assert len(trials_of(plan)) == 54


def test_a_configuration_can_have_more_trials_than_the_others() -> None:
    plan = with_overrides(Override(model="c", trials=5))
    assert len(of(plan, model="c")) == 5 * 8
    assert {e.key.configuration.model for e in trials_of(plan) if e.key.index >= 3} == {"c"}


def test_a_batch_that_its_images_cannot_fill_is_a_fault_unless_it_is_skipped() -> None:
    plan = with_overrides(Override(dataset="two", images=16))
    assert [fault.path for fault in faults(plan)] == ["batch_sizes[1]"]
    skipped = with_overrides(
        Override(dataset="two", images=16), Override(dataset="two", batch_size=32, skip=True)
    )
    assert list(faults(skipped)) == []


def test_steps_have_the_names_of_the_contract() -> None:
    from telemetry.contract.marks import Protocol

    told = set(Steps.__struct_fields__) - {"delay_s"}
    assert told <= set(Protocol.__struct_fields__)
