"""A wrong value in a person's words."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import pytest

from telemetry.contract.plan import CampaignPlan
from telemetry.contract.wording import wrong

GOOD = {"name": "x", "models": ["a"]}


def said(value: Any, kind: Any = CampaignPlan) -> tuple[str, str]:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(value, kind)
    return wrong(caught.value, kind)


@pytest.mark.parametrize(
    ("changed", "path", "words"),
    [
        ({"modles": 1}, "", "there is no modles; did you mean models?"),
        ({"models": "a"}, "models", "expected a list, got text"),
        ({"models": ["a", 3]}, "models[1]", "expected text, got a whole number"),
        ({"device": "tpu"}, "device", "'tpu' is none of cpu, cuda"),
        ({"trials": 0}, "trials", "expected a whole number >= 1"),
        ({"name": "a b"}, "name", "expected 1 to 64 letters, digits, _ or -"),
        (
            {"overrides": [{}, {"precision": "int8"}]},
            "overrides[1].precision",
            "'int8' is none of amp-bf16, amp-fp16, bf16, fp16, fp32",
        ),
        ({"datasets": [{"data": "d"}]}, "datasets[0]", "name is missing"),
        ({"protocol": {"min_seconds": 3}}, "protocol", "there is no min_seconds; did you mean min_s?"),
    ],
)
def test_it_says_where_what_and_what_would_be_right(changed: Any, path: str, words: str) -> None:
    assert said({**GOOD, **changed}) == (path, words)


def test_the_choices_of_a_single_value_are_named() -> None:
    assert said("tpu", Literal["cpu", "cuda"]) == ("", "'tpu' is none of cpu, cuda")


def test_an_unknown_name_that_is_near_nothing_is_answered_with_all() -> None:
    words = said({**GOOD, "zzz": 1})[1]
    assert words.startswith("there is no zzz; known are batch_sizes, datasets")
