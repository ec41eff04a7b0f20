from __future__ import annotations

import math

import pytest

from telemetry.contract.decode import decode_event
from telemetry.contract.errors import Refused
from telemetry.contract.marks import SoakBegin

MARK = {"kind": "soak", "t": 5, "soak": "night-1", "app": "soak-night", "left_s": 60.0, "starts": 0}


def test_the_plan_of_a_soak_travels_in_its_mark() -> None:
    plan = {"name": "night", "duration": "1 h", "work": {"model": "vit"}}
    event = decode_event({**MARK, "plan": plan})
    assert isinstance(event, SoakBegin)
    assert event.plan == plan


def test_a_plan_with_what_is_no_number_is_refused() -> None:
    with pytest.raises(Refused, match=r"plan\.budgets\.temp_c"):
        decode_event({**MARK, "plan": {"budgets": {"temp_c": math.nan}}})
