"""Every rule of docs/check.md, on trials that are good but for one fact."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from analyzer.checks import check_all
from analyzer.rules import RULES, TRIAL_RULES
from telemetry.contract.documents import Flag, Reason
from telemetry.contract.marks import Context
from tests.unit.checks.made import CONTEXT, PROTOCOL, S, campaign, check_of, failing, good, refused

PAGE = Path(__file__).parents[3] / "docs" / "check.md"


def changed(struct: Any, **fields: Any) -> Any:
    return msgspec.structs.replace(struct, **fields)


def test_a_good_campaign_may_be_published() -> None:
    checks = check_all(campaign())
    assert [(check.model, check.publishable, check.usable) for check in checks] == [
        ("levit", True, True),
        ("vit", True, True),
    ]
    assert not failing(checks[0])


SPOILT = [
    # rule, what is spoilt, still usable, found
    ("finished", {"state": "invalid", "reasons": ("aborted",)}, False, "aborted"),
    ("coverage", {"state": "degraded", "reasons": ("gap",), "coverage": 0.98}, True, "98.0 %"),
    ("coverage", {"state": "invalid", "reasons": ("gap", "coverage"), "coverage": 0.9}, False, "90.0 %"),
    ("coverage", {"state": "invalid", "reasons": ("no_samples",), "coverage": 0.0}, False, "0.0 %"),
    ("complete", {"state": "degraded", "reasons": ("frames_missing",)}, True, "frames_missing"),
    ("complete", {"state": "degraded", "reasons": ("frames_lost",)}, True, "frames_lost"),
    ("complete", {"state": "degraded", "reasons": ("no_ledger",)}, True, "no_ledger"),
    ("complete", {"state": "degraded", "reasons": ("no_manifest",)}, True, "no_manifest"),
    ("complete", {"state": "degraded", "reasons": ("marks_missing",)}, True, "marks_missing"),
    ("alone", {"state": "degraded", "reasons": ("overlap",)}, False, "overlap"),
    ("sampling", {"state": "degraded", "reasons": ("short",)}, True, "short"),
    ("sampling", {"state": "degraded", "reasons": ("locked_aliasing",)}, True, "locked_aliasing"),
    ("plausible", {"state": "invalid", "flags": ("unit_slip",)}, False, "unit_slip"),
    ("plausible", {"state": "degraded", "flags": ("frozen", "over_max")}, True, "frozen, over_max"),
    ("plausible", {"flags": ("counter_back",)}, True, "counter_back"),
    ("plausible", {"state": "degraded", "flags": ("suspended",)}, True, "suspended"),
    ("clock", {"flags": ("clock_bad",)}, True, "clock_bad"),
    ("origin", {"origin": "estimated"}, False, "estimated"),
    ("origin", {"origin": "synthetic"}, False, "synthetic"),
    ("origin", {"origin": "replayed"}, True, "replayed"),
    ("duration", {"begin": 0, "end": 31 * S}, True, "31.0 s"),
    ("duration", {"begin": 0, "end": 5 * S}, False, "5.0 s"),
    ("duration", {"period_ms": 1000.0}, True, "61.0 s"),
    ("warmup", {"protocol": changed(PROTOCOL, steady=False)}, True, "no"),
    ("warmup", {"protocol": changed(PROTOCOL, steady=None)}, True, "not told"),
    ("cooldown", {"protocol": changed(PROTOCOL, cooled=False)}, True, "no"),
    ("cooldown", {"protocol": changed(PROTOCOL, cooldown_s=None)}, True, "not told"),
    ("idle", {"idle_w": None}, True, "none"),
    ("throttle", {"throttle": ("cpu", "gpu")}, True, "cpu, gpu"),
    ("load", {"load": 0.3}, True, "30 % of the processors"),
    ("load", {"load": 0.6}, False, "60 % of the processors"),
    ("load", {"context": changed(CONTEXT, load=0.3)}, True, "30 % of the processors"),
    ("load", {"load": None, "context": changed(CONTEXT, load=None)}, True, "not told"),
    ("agent", {"agent_cpu_s": 20.0}, True, "32.8 % of a core"),
    ("performance", {"images": 0, "j_per_1000": None}, True, "no images"),
    ("performance", {"latency_ms": None}, True, "no batch times"),
    ("accuracy", {"accuracy": None}, True, "unknown"),
    ("accuracy", {"accuracy_origin": None}, True, "no source"),
    ("uncertainty", {"energy_u95_comparable_j": 50.0}, True, "10 %"),
    ("uncertainty", {"energy_u95_comparable_j": None}, True, "unknown"),
    ("context", {"context_hash": "other"}, True, "2: c0ffee, other"),
    ("context", {"context": Context(temp_c={"gpu": 41.0}, load=0.02)}, True, "not told"),
    ("context", {"manifest_hash": None}, True, "not told"),
    ("variation", {"j_per_1000": 600.0, "energy_j": 600.0}, True, "10"),
    ("variation", {"j_per_1000": 900.0, "energy_j": 900.0}, False, "3"),
]


@pytest.mark.parametrize(
    ("rule", "spoilt", "usable", "found"), SPOILT, ids=[f"{each[0]}-{each[3]}" for each in SPOILT]
)
def test_one_bad_fact_is_found_by_its_rule_and_stops_the_publication(
    rule: str, spoilt: dict[str, Any], usable: bool, found: str
) -> None:
    # Another origin is another ranking: what is judged is whatever the spoilt trial belongs to.
    (check,) = [check for check in check_all(campaign(**spoilt)) if "levit-0" in check.trials]
    assert not check.publishable
    finding = failing(check)[rule]
    assert found in finding.found
    assert finding.usable is usable
    assert finding.source
    assert finding.needed


def test_what_the_agent_cost_a_short_window_is_not_known() -> None:
    check = check_of(campaign(begin=0, end=12 * S, agent_cpu_s=4.0))
    assert failing(check).keys() == {"duration"}


def test_what_is_bad_of_one_model_says_nothing_of_another() -> None:
    checks = check_all(campaign(throttle=("gpu",)))
    assert {check.model: check.publishable for check in checks} == {"levit": False, "vit": True}


def test_two_trials_are_too_few() -> None:
    check = check_of(campaign()[:4])
    assert failing(check).keys() == {"repetitions"}
    assert (failing(check)["repetitions"].found, check.usable) == ("2", True)


def test_an_invalid_trial_counts_for_nothing() -> None:
    check = check_of(campaign(state="invalid", reasons=("aborted",)))
    assert {"repetitions", "finished"} <= failing(check).keys()


def test_trials_in_a_row_are_found_where_the_campaign_has_others() -> None:
    trials = [changed(good("levit", at), begin=at * S, end=(at + 61) * S) for at in range(3)]
    trials += [good("vit", at) for at in range(3)]
    assert failing(check_of(trials)).keys() == {"order"}


def test_a_trial_that_was_repeated_at_once_because_it_was_aborted_is_no_row() -> None:
    aborted = good("levit", 7, begin=0, end=S, group="day", state="invalid", reasons=("aborted",))
    trials = [aborted, *(good(model, 0, group="day") for model in ("levit", "vit"))]
    assert "order" not in failing(check_of(trials))


def test_a_campaign_of_one_configuration_has_nothing_to_mix_with() -> None:
    assert check_of([good("levit", at) for at in range(3)]).publishable


def test_configurations_of_several_campaigns_are_pooled() -> None:
    trials = [good("levit", at, group=f"night-{at}") for at in range(3)]
    assert check_of(trials).publishable


@pytest.mark.parametrize("field", ["node", "device", "power_mode", "precision", "batch_size", "backend"])
def test_what_is_no_repetition_is_not_counted_as_one(field: str) -> None:
    other: Any = 32 if field == "batch_size" else "other"
    assert len([check for check in check_all(campaign(**{field: other})) if check.model == "levit"]) == 2


def test_a_trial_that_a_person_took_out_is_named_and_not_judged() -> None:
    trials = [*campaign(throttle=("gpu",)), good("levit", 3)]
    check = check_of(trials, excluded={"levit-0": "the fan was off"})
    assert check.publishable
    assert check.excluded == {"levit-0": "the fan was off"}
    assert "levit-0" not in check.trials
    assert failing(check)["kept"].found == "the fan was off"


def test_marks_that_contradict_are_listed_and_stop_the_publication() -> None:
    check = check_of(campaign(), refused=[refused("levit-1"), refused("nobody")])
    assert [event.trial for event in check.refused_events] == ["levit-1"]
    assert failing(check)["marks"].found == "trial_begin: a second trial_begin with this id (marks/app 7)"
    assert check.usable


def test_where_no_temperature_can_be_read_rest_by_time_is_enough() -> None:
    check = check_of(campaign(protocol=changed(PROTOCOL, cooled=None)))
    assert check.publishable
    found = next(each for each in check.findings if each.rule == "cooldown" and each.trial == "levit-0")
    assert found.found == "no temperature; rested 10 s"


def test_only_the_leading_stream_is_judged() -> None:
    part = good("levit", 0, stream="gpu", leads=False, throttle=("gpu",))
    assert check_of([*campaign(), part]).publishable


def test_windows_that_are_no_trials_are_not_judged() -> None:
    assert check_all([msgspec.structs.replace(good(), kind="interval", model=None)]) == []


def test_what_fails_comes_first() -> None:
    check = check_of(campaign(throttle=("gpu",), origin="measured", reasons=("aborted",), state="invalid"))
    assert [each.rule for each in check.findings[:1]] == ["finished"]
    order = [each.publishable for each in check.findings]
    assert order == sorted(order)


def test_every_reason_and_flag_of_a_result_has_its_rule() -> None:
    for word in (*get_args(Reason), *get_args(Flag)):
        field = "reasons" if word in get_args(Reason) else "flags"
        trial = good(**{field: (word,)})
        assert not all(rule.judge(trial).publishable for rule in TRIAL_RULES), word


def test_every_rule_stands_on_its_page_with_its_source() -> None:
    rows = {
        found[1]: found[0]
        for found in re.finditer(r"^\| `(\w+)` \|.*$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert list(rows) == [rule.name for rule in RULES]
    for rule in RULES:
        assert rule.asks in rows[rule.name], rule
        assert rule.source in rows[rule.name], rule
