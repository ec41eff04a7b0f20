"""Images, accuracy and latency from marks."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.notebook import Notebook
from analyzer.trials import Trial
from analyzer.work import Accuracy, accuracy_of, images_of, marks_are_whole, work_of
from telemetry.contract import marks
from telemetry.contract.columns import pack, pack_bits, unpack_bits
from telemetry.contract.frames import MarksFrame
from tests.analyzing import NODE, Maker, at, batches, begin, end

MAKER = Maker()


def trial_of(*events: marks.Event) -> Trial:
    received = MAKER.marks(0, *events)
    book = Notebook(NODE)
    assert isinstance(received.frame, MarksFrame)
    book.add(received.key, received.frame)
    trial = book.trial("t1")
    assert trial is not None
    return trial


def accuracy(*events: marks.Event) -> Accuracy | None:
    trial = trial_of(*events)
    return accuracy_of(trial, work_of(trial))


def is_whole(*events: marks.Event) -> bool:
    trial = trial_of(*events)
    return marks_are_whole(trial, work_of(trial))


@given(st.lists(st.lists(st.booleans(), max_size=20), min_size=1, max_size=8))
def test_hits_are_one_string_whatever_batches_they_came_in(cut: list[list[bool]]) -> None:
    parts = [batches(2 + n, images=[len(hits)], hits=pack_bits(hits)) for n, hits in enumerate(cut)]
    every = [hit for hits in cut for hit in hits]
    work = work_of(trial_of(begin(1), *parts))
    assert int(work.images.sum()) == len(every)
    assert unpack_bits(work.hits or b"", len(every)) == every


def test_hits_are_in_the_order_of_time() -> None:
    late, early = batches(3, images=[1], hits=b"\x01"), batches(2, images=[1], hits=b"\x00")
    assert unpack_bits(work_of(trial_of(begin(1), late, early)).hits or b"", 2) == [0, 1]


def test_hits_are_unknown_when_one_batch_has_none() -> None:
    assert work_of(trial_of(begin(1), batches(2, hits=b"\x01"), batches(3))).hits is None


def test_correct_is_summed_when_every_batch_tells_it() -> None:
    told = batches(2, images=[8, 8], correct=pack("i", [5, 7]))
    assert work_of(trial_of(begin(1), told)).correct == 12
    assert work_of(trial_of(begin(1), told, batches(3))).correct is None


def test_the_accuracy_has_wilsons_interval() -> None:
    """812 of 1,000: Wilson's interval is 0.7866 to 0.8351 (Newcombe, Stat. Med. 17, 1998, method 3)."""
    found = accuracy(begin(1), batches(2, images=[1000], correct=pack("i", [812])))
    assert found is not None
    assert (found.value, found.n, found.origin) == (0.812, 1000, "measured")
    assert (found.lo, found.hi) == (pytest.approx(0.7866, abs=1e-4), pytest.approx(0.8351, abs=1e-4))


@given(st.integers(1, 10**6), st.data())
def test_the_interval_holds_the_value_and_stays_a_fraction(images: int, data: st.DataObject) -> None:
    correct = data.draw(st.integers(0, images))
    found = accuracy(begin(1), batches(2, images=[images], correct=pack("i", [correct])))
    assert found is not None
    assert found.lo is not None
    assert found.hi is not None
    assert 0 <= found.lo <= found.value + 1e-12
    assert found.value - 1e-12 <= found.hi <= 1
    assert found.lo < found.hi


def test_several_passes_over_the_same_images_add_no_image() -> None:
    opening = begin(1, protocol=marks.Protocol(images=8))
    found = accuracy(
        opening,
        batches(2, images=[8], correct=pack("i", [6])),
        batches(3, images=[8], correct=pack("i", [8])),
    )
    assert found is not None
    assert (found.value, found.n) == (0.875, 8)


def test_the_ends_own_count_serves_where_batches_have_none() -> None:
    found = accuracy(begin(1), batches(2, images=[8]), end(3, images=8, correct=6))
    assert found is not None
    assert (found.value, found.origin) == (0.75, "measured")


def test_without_labels_the_reference_is_taken_with_its_own_origin() -> None:
    reference = marks.AccuracyRef(value=0.79, n=50_000, origin="timm")
    found = accuracy(begin(1, accuracy_ref=reference), batches(2), end(3))
    assert found is not None
    assert (found.value, found.n, found.origin) == (0.79, 50_000, "timm")


def test_measured_wins_over_the_reference() -> None:
    reference = marks.AccuracyRef(value=0.79, n=50_000, origin="timm")
    found = accuracy(begin(1, accuracy_ref=reference), batches(2, images=[8], correct=pack("i", [8])))
    assert found is not None
    assert found.origin == "measured"


def test_a_reference_without_a_number_of_images_has_no_interval() -> None:
    found = accuracy(begin(1, accuracy_ref=marks.AccuracyRef(value=0.79)))
    assert found == Accuracy(0.79, None, None, None, "reference")


@pytest.mark.parametrize("value", [79.0, -0.1, math.nan, math.inf])
def test_a_reference_that_is_no_fraction_is_none(value: float) -> None:
    assert accuracy(begin(1, accuracy_ref=marks.AccuracyRef(value=value, n=10))) is None


@pytest.mark.parametrize("n", [0, -5])
def test_a_reference_on_no_images_has_no_interval(n: int) -> None:
    found = accuracy(begin(1, accuracy_ref=marks.AccuracyRef(value=0.5, n=n)))
    assert found is not None
    assert found.lo is None


@pytest.mark.parametrize("correct", [9, -1])
def test_more_hits_than_images_are_no_accuracy(correct: int) -> None:
    assert accuracy(begin(1), batches(2, images=[8], correct=pack("i", [correct]))) is None


def test_no_images_are_no_accuracy() -> None:
    assert (
        accuracy(begin(1), batches(2, images=[0], correct=pack("i", [0])), end(3, images=0, correct=0))
        is None
    )


def test_latency_is_told_in_percentiles() -> None:
    begins = [at(2) + n * 1_000_000_000 for n in range(101)]
    ends = [begin_ns + (n + 1) * 1_000_000 for n, begin_ns in enumerate(begins)]
    told = marks.Batches(
        t=ends[-1], trial="t1", begin=pack("q", begins), end=pack("q", ends), images=pack("i", [1] * 101)
    )
    latency = work_of(trial_of(begin(1), told)).latency_ms
    assert latency is not None
    assert (latency.p50, latency.p95, latency.p99) == pytest.approx((51, 96, 100))


def test_without_batches_there_is_no_latency() -> None:
    assert work_of(trial_of(begin(1), end(2))).latency_ms is None


def test_a_batch_that_ends_before_it_begins_has_no_latency() -> None:
    odd = marks.Batches(
        t=at(2), trial="t1", begin=pack("q", [at(2)]), end=pack("q", [at(1)]), images=pack("i", [1])
    )
    assert work_of(trial_of(begin(1), odd)).latency_ms is None


def test_marks_are_whole_when_the_images_add_up() -> None:
    assert is_whole(begin(1), batches(2, images=[3, 5]), end(3, images=8))
    assert not is_whole(begin(1), batches(2, images=[3]), end(3, images=8))


def test_a_hole_in_the_senders_numbers_makes_marks_not_whole() -> None:
    hole = marks.MarksHole(t=at(2), pid=1, lost=1, trial="t1")
    assert not is_whole(begin(1), batches(2, images=[8]), hole, end(3, images=8))


def test_the_images_are_those_that_the_end_tells() -> None:
    trial = trial_of(begin(1), batches(2, images=[3]), end(3, images=8))
    assert images_of(trial, work_of(trial)) == 8
