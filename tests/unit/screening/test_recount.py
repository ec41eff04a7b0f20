from __future__ import annotations

import pytest

from analyzer.candidates import Candidate
from analyzer.recount import Counted, recount

COUNTED = Counted(
    model="m", params=10_000_000, macs=2_000_000_000, attention_macs=200_000_000, head_inputs=448
)


def candidate(params_m: float = 10.0, macs_g: float = 2.0) -> Candidate:
    return Candidate(model="m", top1_percent=80.0, params_m=params_m, macs_g=macs_g)


def test_a_table_that_agrees_needs_no_explanation() -> None:
    told = recount(candidate(10.1, 1.98), COUNTED)
    assert (told.params_off, told.macs_off) == (pytest.approx(0.01), pytest.approx(-0.01))
    assert told.why == ()


def test_a_table_without_attention_is_told_so() -> None:
    assert recount(candidate(macs_g=1.8), COUNTED).why == ("the table leaves out the products of attention",)


def test_a_head_for_21841_classes_is_recognised() -> None:
    wide = 10.0 + 20_841 * 449 / 1e6
    assert recount(candidate(params_m=wide), COUNTED).why == (
        "the table's parameters are those of a head for 21,841 classes",
    )


@pytest.mark.parametrize(
    ("numbers", "words"),
    [((10.0, 1.4), "fewer MACs"), ((10.0, 2.5), "more MACs"), ((12.0, 2.0), "parameters differ")],
)
def test_what_nobody_can_explain_is_said_to_be_unexplained(numbers: tuple[float, float], words: str) -> None:
    [why] = recount(candidate(*numbers), COUNTED).why
    assert words in why
