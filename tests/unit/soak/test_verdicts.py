from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from analyzer.soak.assess import assess
from studies.soak.truth import FaultKind, Injected, false_alarms, is_found
from studies.soak.windows import material_of
from telemetry.contract.documents import LedgerRow
from telemetry.contract.soak import Soak
from telemetry.contract.soak_plan import Budgets, Duty

FAULTS = [
    Injected("drift", size=2.0),
    Injected("drift", size=-2.0),
    Injected("step", at=2000, size=5.0),
    Injected("heating", size=3.0),
    Injected("throttled", at=1000, minutes=60),
    Injected("frozen", at=3000, minutes=30),
    Injected("clock_step", at=1500, size=3600.0),
    Injected("clock_step", at=1500, size=-90.0),
    Injected("rebooted", at=2500, minutes=6),
    Injected("restarted", at=900),
    Injected("silent", at=3500, minutes=20),
    Injected("late", at=700, minutes=90),
]


def _with(seed: int, hours: float, *faults: Injected, **budgets: object) -> Soak:
    material = material_of(seed, hours, faults)
    plan = msgspec.structs.replace(
        material.run.plan, budgets=msgspec.structs.replace(material.run.plan.budgets, **budgets)
    )
    material = replace(material, run=replace(material.run, plan=plan))
    return assess(material)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_an_injected_fault_is_found_and_nothing_else(fault: Injected) -> None:
    soak = assess(material_of(42, 72, [fault]))
    assert is_found(fault, soak)
    assert false_alarms([fault], soak) == []


@pytest.mark.parametrize("kind", ["drift", "step", "heating", "throttled", "frozen", "rebooted", "silent"])
def test_a_fault_that_is_not_there_is_not_found(kind: FaultKind) -> None:
    assert not is_found(Injected(kind, at=1000, minutes=30, size=3.0), assess(material_of(1, 72)))


def test_a_healthy_node_passes() -> None:
    soak = assess(material_of(7, 72))
    assert (soak.verdict, soak.reasons) == ("pass", ("all 9 budgets are kept",))


def test_many_faults_at_once_are_each_named() -> None:
    many = [FAULTS[0], *FAULTS[4:6], FAULTS[7], *FAULTS[8:]]
    soak = assess(material_of(3, 72, many))
    assert [fault for fault in many if not is_found(fault, soak)] == []
    assert soak.verdict == "fail"


def test_every_expected_window_is_complete_degraded_or_missing() -> None:
    windows = assess(material_of(5, 72, [Injected("silent", at=100, minutes=30)])).windows
    assert windows.expected == 4320
    assert windows.complete + windows.degraded + windows.missing == windows.expected
    assert windows.missing == 30


def test_a_soak_too_short_to_tell_says_so() -> None:
    soak = assess(material_of(5, 2))
    assert soak.verdict == "inconclusive"
    assert any("not told from drift" in words for words in soak.reasons)


def test_a_soak_that_is_not_over_says_what_is_left() -> None:
    material = material_of(5, 72)
    material = replace(material, now=material.run.begin + 36 * 3600 * 10**9)
    soak = assess(material)
    assert not soak.is_over
    assert soak.reasons[0] == "it is not over: 36.0 h are left"


def test_windows_that_were_not_due_are_not_missed() -> None:
    material = material_of(5, 48)
    duty = Duty(kind="day_night", day_from="06:00", day_to="18:00")
    plan = msgspec.structs.replace(material.run.plan, duty=duty)
    material = replace(material, run=replace(material.run, plan=plan))
    day = [each for each in material.windows if 6 <= each.begin // 10**9 % 86_400 / 3600 < 18]
    material = replace(material, windows=day)
    windows = assess(material).windows
    assert (windows.expected, windows.resting, windows.missing) == (1440, 1440, 0)


def test_without_any_window_nothing_is_concluded_and_the_words_say_where_to_look() -> None:
    material = material_of(5, 12)
    material = replace(material, windows=[])
    soak = assess(material)
    assert soak.verdict == "fail"
    assert any(each.name == "missing_share" and each.verdict == "fail" for each in soak.held)
    assert soak.episodes[0].kind == "missing"


def test_the_hottest_window_is_held_to_its_budget() -> None:
    assert _with(5, 24, temp_c=50.0).verdict == "fail"


def test_a_dearer_image_than_in_the_earlier_soak_fails() -> None:
    earlier = assess(material_of(5, 24))
    material = material_of(6, 24, [Injected("step", at=0, size=8.0)])
    plan = msgspec.structs.replace(material.run.plan, budgets=Budgets(worse_percent=5.0))
    material = replace(material, run=replace(material.run, plan=plan))
    material = replace(material, earlier=earlier)
    soak = assess(material)
    assert soak.verdict == "fail"
    (joules, _) = soak.compared
    assert joules.lo <= 8.0 <= joules.hi


def test_the_same_soak_again_is_no_worse() -> None:
    material = material_of(6, 24)
    material = replace(material, earlier=assess(material_of(5, 24)))
    joules = assess(material).compared[0]
    assert joules.lo <= 0 <= joules.hi


def test_the_ledgers_frames_are_added_up() -> None:
    counts = {f"{name}_count": 5 for name in ("made", "stored", "dead", "lost", "spooled", "missing")}
    lists = {name: [] for name in ("made", "stored", "dead", "lost", "spooled", "missing")}
    row = LedgerRow(
        node="n", boot="b", stream="power/main", ticks=None, samples=0, missed_ticks=0, lost_ticks=0,
        ticks_off=None, closed=True, as_of=None, **counts, **lists,
    )  # fmt: skip
    material = material_of(5, 12)
    material = replace(material, ledger=[row, row])
    frames = assess(material).frames
    assert frames is not None
    assert (frames.made, frames.closed) == (10, True)


def test_a_verdict_survives_json() -> None:
    soak = assess(material_of(5, 2, [Injected("silent", at=20, minutes=10)]))
    assert msgspec.json.decode(msgspec.json.encode(soak), type=Soak) == soak
