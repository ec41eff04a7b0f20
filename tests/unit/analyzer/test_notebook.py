"""Trials from marks: any order, any cut into frames."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.notebook import Notebook
from analyzer.rests import Idle
from analyzer.trials import Trial, Window
from telemetry.contract import marks
from telemetry.contract.decode import Received
from telemetry.contract.frames import ManifestFrame, MarksFrame
from tests.analyzing import ANCHOR, NODE, Maker, S, at, batches, begin, end, idle

MAKER = Maker()


def book_of(*frames: Received) -> Notebook:
    book = Notebook(NODE)
    for frame in frames:
        write(book, frame)
    return book


def write(book: Notebook, received: Received) -> set[str]:
    if isinstance(received.frame, ManifestFrame):
        return book.know(received.key.boot, received.frame)
    assert isinstance(received.frame, MarksFrame)
    return book.add(received.key, received.frame)


def told(book: Notebook) -> list[object]:
    """What the notebook says, without the places of marks in their frames."""
    return [_told(trial, book.overlapping(trial.opening.trial)) for trial in book.trials()]


def _told(trial: Trial, overlapping: list[str]) -> object:
    rows = [trial.begin, trial.end, *trial.batches, *trial.holes]
    return [row and (row.time, row.event) for row in rows], trial.idle, trial.window, overlapping


@st.composite
def days(draw: st.DrawFn) -> list[marks.Event]:
    """The marks of a day in the order in which they were made: trials of two groups, rests, holes."""
    events: list[marks.Event] = []
    now = 0
    for index in range(draw(st.integers(1, 5))):
        name, group = f"t{index}", draw(st.sampled_from("gh"))
        if draw(st.booleans()):
            owner = draw(st.sampled_from([{"group": group}, {"trial": name}]))
            events += idle(now + 1, now + 2, **owner)
            now += 2
        events.append(begin(now + 1, name, group=group, index=index))
        for part in range(draw(st.integers(0, 3))):
            events.append(batches(now + 2 + part, name, images=[draw(st.integers(1, 9))]))
        if draw(st.booleans()):
            events.append(marks.MarksHole(t=at(now + 5), pid=7, lost=1, trial=name))
        if draw(st.integers(0, 4)):
            events.append(end(now + 6, name))
        now += draw(st.integers(3, 8))
    return events


def cut(events: Sequence[marks.Event], cuts: Sequence[int]) -> list[Received]:
    places = [0, *sorted({c % len(events) for c in cuts} - {0}), len(events)]
    return [MAKER.marks(seq, *events[places[seq] : places[seq + 1]]) for seq in range(len(places) - 1)]


@given(days(), st.lists(st.integers(0, 40)), st.randoms(use_true_random=False))
def test_the_same_marks_in_any_order_and_cut_give_the_same_trials(
    events: list[marks.Event], cuts: list[int], chance: random.Random
) -> None:
    ordered = sorted(events, key=lambda event: event.t)
    frames = cut(ordered, cuts)
    chance.shuffle(frames)
    again = [*frames, *chance.sample(frames, len(frames) // 2)]
    assert told(book_of(*again)) == told(book_of(MAKER.marks(0, *ordered)))


@given(days(), st.randoms(use_true_random=False))
def test_whoever_changes_is_touched(events: list[marks.Event], chance: random.Random) -> None:
    """What a frame does not touch reads the same after it as before."""
    frames = [MAKER.marks(seq, event) for seq, event in enumerate(sorted(events, key=lambda e: e.t))]
    chance.shuffle(frames)
    book = Notebook(NODE)
    for frame in frames:
        names = [trial.opening.trial for trial in book.trials()]
        before = dict(zip(names, told(book), strict=True))
        touched = write(book, frame)
        after = dict(zip([trial.opening.trial for trial in book.trials()], told(book), strict=True))
        assert {name for name, what in after.items() if before.get(name) != what} <= touched


def test_a_trial_has_no_window_before_its_end() -> None:
    trial = book_of(MAKER.marks(0, begin(1))).trial("t1")
    assert trial is not None
    assert (trial.end, trial.closing, trial.window) == (None, None, None)


def test_an_unknown_trial_and_one_without_a_begin_are_none() -> None:
    book = book_of(MAKER.marks(0, end(3), batches(2)))
    assert book.trial("t1") is None
    assert book.trial("nobody") is None
    assert book.trials() == []


def test_the_first_begin_and_the_first_end_count() -> None:
    book = book_of(MAKER.marks(1, begin(4), end(9)), MAKER.marks(0, begin(2), end(7)))
    trial = book.trial("t1")
    assert trial is not None
    assert trial.window == Window(ANCHOR + 2 * S, ANCHOR + 7 * S, one_clock=True)
    assert [(event.event, event.seq) for event in book.doubt("t1").refused] == [
        ("trial_begin", 1),
        ("trial_end", 1),
    ]


def test_marks_without_a_begin_are_orphans_and_not_refused_yet() -> None:
    doubt = book_of(MAKER.marks(0, batches(2), end(3), end(4))).doubt("t1")
    assert doubt.refused == []
    assert [event.event for event in doubt.orphans] == ["batches", "trial_end", "trial_end"]


def test_a_trial_in_order_is_not_in_doubt() -> None:
    assert book_of(MAKER.marks(0, begin(1), batches(2), end(3))).doubt("t1") == ([], [])


@pytest.mark.parametrize(
    ("rests", "expected"),
    [
        ([], None),
        ([(1, 3)], (1, 3)),
        ([(1, 3), (5, 8)], (5, 8)),
        ([(1, 3), (5, 8), (21, 24)], (5, 8)),
        ([(21, 24), (30, 33)], (21, 24)),
        ([(8, 12)], (8, 12)),
    ],
)
def test_the_rest_that_ended_last_before_the_begin_is_taken_else_the_first_after(
    rests: list[tuple[int, int]], expected: tuple[int, int] | None
) -> None:
    events = [event for rest in rests for event in idle(*rest, group="g")]
    trial = book_of(MAKER.marks(0, *events, begin(10), end(20))).trial("t1")
    assert trial is not None
    found = trial.idle and (trial.idle.begin // S, trial.idle.end // S)
    assert found == expected


@pytest.mark.parametrize(
    ("rests", "expected"),
    [
        ([(1, 3), (5, 8), (21, 24), (30, 33)], [5, 21]),
        ([(1, 3)], [1]),
        ([(21, 24), (30, 33)], [21]),
    ],
)
def test_a_trial_lies_between_the_rest_before_and_the_first_one_after(
    rests: list[tuple[int, int]], expected: list[int]
) -> None:
    events = [event for rest in rests for event in idle(*rest, group="g")]
    trial = book_of(MAKER.marks(0, *events, begin(10), end(20))).trial("t1")
    assert trial is not None
    assert [rest.begin // S for rest in trial.rests] == expected


def test_a_rest_after_the_trials_touches_those_since_the_one_before() -> None:
    book = book_of(MAKER.marks(0, *idle(1, 3, group="g"), begin(5, "a"), end(6, "a")))
    write(book, MAKER.marks(1, *idle(7, 8, group="g"), begin(9, "b"), end(10, "b")))
    assert write(book, MAKER.marks(2, *idle(11, 12, group="g"))) == {"b"}


def test_a_trials_own_rest_goes_before_its_groups() -> None:
    own, shared = idle(1, 3, trial="t1"), idle(5, 8, group="g")
    trial = book_of(MAKER.marks(0, *own, *shared, begin(10), end(20))).trial("t1")
    assert trial is not None
    assert trial.idle == Idle("b1", at(1), at(3), ANCHOR + at(3))


def test_a_rest_without_an_end_or_of_two_boots_is_none() -> None:
    other = Maker("b2")
    frames = MAKER.marks(0, idle(1, 3, group="g")[0]), other.marks(0, idle(1, 4, group="g")[1])
    trial = book_of(*frames, MAKER.marks(1, begin(10), end(20))).trial("t1")
    assert trial is not None
    assert trial.idle is None


def test_windows_that_touch_do_not_overlap() -> None:
    book = book_of(MAKER.marks(0, begin(1, "a"), end(3, "a"), begin(3, "b"), end(5, "b")))
    assert (book.overlapping("a"), book.overlapping("b")) == ([], [])


def test_an_open_trial_overlaps_all_later_ones_until_it_ends() -> None:
    book = book_of(MAKER.marks(0, begin(1, "a")), MAKER.marks(2, begin(5, "b"), end(7, "b")))
    assert book.overlapping("b") == ["a"]
    assert write(book, MAKER.marks(1, end(3, "a"))) == {"a", "b"}
    assert book.overlapping("b") == []


def test_an_open_trial_of_another_kernels_boot_is_over() -> None:
    old = Maker("b0", anchor=ANCHOR - 100 * S, os_boot="kernel-0")
    book = book_of(old.marks(0, begin(1, "a")), MAKER.marks(0, begin(5, "b"), end(7, "b")))
    assert book.overlapping("b") == ["a"]
    assert "b" in write(book, old.manifest()) | write(book, MAKER.manifest())
    assert book.overlapping("b") == []


def test_on_one_kernels_boot_the_window_is_as_long_as_the_monotonic_clock_says() -> None:
    """The wall clock was set an hour ahead between the two boots of the agent."""
    later = Maker("b2", anchor=ANCHOR + 3600 * S)
    frames = MAKER.marks(0, begin(2)), later.marks(0, end(9)), MAKER.manifest(), later.manifest(5)
    trial = book_of(*frames).trial("t1")
    assert trial is not None
    assert trial.window == Window(ANCHOR + 2 * S, ANCHOR + 9 * S, one_clock=True)


def test_over_two_kernels_boots_the_end_stands_where_its_own_clock_says() -> None:
    later = Maker("b2", anchor=ANCHOR + 60 * S, os_boot="kernel-2")
    frames = MAKER.marks(0, begin(20)), later.marks(0, end(3)), MAKER.manifest(), later.manifest()
    trial = book_of(*frames).trial("t1")
    assert trial is not None
    assert trial.window == Window(ANCHOR + 20 * S, ANCHOR + 63 * S, one_clock=False)


def test_without_manifests_an_end_before_its_begin_tells_of_another_clock() -> None:
    later = Maker("b2", anchor=ANCHOR + 60 * S)
    trial = book_of(MAKER.marks(0, begin(20)), later.marks(0, end(3))).trial("t1")
    assert trial is not None
    assert trial.window is not None
    assert not trial.window.one_clock


def test_boots_between_the_two_marks_belong_to_the_trial() -> None:
    boots = [Maker(f"b{n}") for n in range(5)]
    manifests = [maker.manifest(10 * n) for n, maker in enumerate(boots)]
    frames = boots[1].marks(0, begin(12)), boots[4].marks(0, end(49))
    trial = book_of(*frames, *manifests).trial("t1")
    assert trial is not None
    assert trial.boots == ("b1", "b2", "b3", "b4")


def test_a_trial_whose_begin_was_written_by_the_next_boot_ran_in_both() -> None:
    later = Maker("b2")
    frames = later.marks(0, begin(9), end(15)), MAKER.manifest(1), later.manifest(10)
    trial = book_of(*frames).trial("t1")
    assert trial is not None
    assert trial.boots == ("b1", "b2")


def test_continuous_work_and_announcements_are_no_trials() -> None:
    work = marks.Work(t=at(1), app="shop", model="vit", begin=b"", end=b"", images=b"")
    book = Notebook(NODE)
    assert write(book, MAKER.marks(0, work, marks.Prepare(t=at(2), group="g"))) == set()
    assert book.trials() == []
