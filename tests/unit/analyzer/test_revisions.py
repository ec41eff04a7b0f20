"""A result is written again only when it says something else."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.revisions import as_revision, changes, result_id, result_of, revise
from telemetry.contract.documents import Result

NOTHING = Result(
    node="n",
    window="t1",
    kind="trial",
    stream="main",
    begin=1,
    end=2,
    state="invalid",
    reasons=("no_samples",),
)


def said(**fields: object) -> Result:
    return msgspec.structs.replace(NOTHING, **fields)


def test_the_first_revision_is_number_one_with_its_reason_and_time() -> None:
    first = revise(NOTHING, None, "complete", 77)
    assert first is not None
    assert (first.revision, first.reason, first.computed_at) == (1, "complete", 77)


def test_the_same_content_is_no_revision_whenever_and_why_ever_it_was_computed() -> None:
    old = said(revision=3, reason="late frames", computed_at=5)
    assert revise(said(revision=9, reason="other", computed_at=6), old, "again", 99) is None


@pytest.mark.parametrize(
    "fields", [{"energy_j": 1.0}, {"state": "valid"}, {"reasons": ()}, {"temp_c": {"cpu": 1.0}}, {"end": 3}]
)
def test_any_other_content_is_the_next_revision(fields: dict[str, object]) -> None:
    old = said(revision=3, reason="x", computed_at=5)
    new = revise(said(**fields), old, "late frames", 99)
    assert new is not None
    assert (new.revision, new.reason, new.computed_at) == (4, "late frames", 99)
    assert changes(new, old) == list(fields)


@given(st.floats(allow_nan=False, allow_infinity=False), st.none() | st.floats(0, 1))
def test_what_the_store_gives_back_is_no_change(energy_j: float, coverage: float | None) -> None:
    result = said(energy_j=energy_j, coverage=coverage, revision=2)
    assert result_of(as_revision(result)) == result
    assert revise(result, result_of(as_revision(result)), "again", 1) is None


def test_each_stream_of_a_window_has_an_id_of_its_own() -> None:
    assert result_id(NOTHING) == "n/t1/main"
    assert as_revision(said(stream="gpu")).id == "n/t1/gpu"
