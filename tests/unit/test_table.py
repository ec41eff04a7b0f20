from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from e3p.table import laid_out

HEAD = ("rank", "model", "why")
MODEL = "tiny_vit_21m_224.dist_in22k_ft_in1k"
WORDS = "these are words that go on for quite a while"
ROWS = [("1", MODEL, WORDS), ("2", "levit_192", "short")]


def lines(room: int, may_break: tuple[int, ...] = (0, 1, 2)) -> list[str]:
    return list(laid_out(HEAD, ROWS, room, may_break))


def test_a_table_that_fits_has_a_line_for_each_row() -> None:
    assert len(lines(200)) == 2 + len(ROWS)


def test_a_table_keeps_to_its_room() -> None:
    assert max(map(len, lines(60))) <= 60


def test_a_models_name_is_broken_behind_its_point_only() -> None:
    shown = [line[6:26].strip() for line in lines(44)[2:4]]
    assert shown == ["tiny_vit_21m_224.", "dist_in22k_ft_in1k"]


def test_figures_stand_to_the_right_and_once() -> None:
    assert [line[:4].strip() for line in lines(50)[2:]].count("1") == 1
    assert lines(50)[2].startswith("   1  ")


def test_the_heading_of_figures_is_broken_and_the_figures_are_not() -> None:
    shown = list(laid_out(("model", "predicted J per 1,000"), [("levit", "1234.5")], 18, (0, 1)))
    assert [line[5:].strip() for line in shown if not line.startswith("-")] == [
        "predicted J",
        "per 1,000",
        "1234.5",
    ]


def test_what_may_not_be_broken_stays_whole() -> None:
    assert MODEL in lines(40, (2,))[2]


@given(
    st.lists(st.tuples(st.text("ab .", max_size=30), st.text("ab .", max_size=60)), max_size=5),
    st.integers(1, 80),
)
def test_no_word_is_lost_in_any_room(rows: list[tuple[str, str]], room: int) -> None:
    shown = "".join(laid_out(("x", "y"), rows, room, (0, 1)))
    wanted = "".join(cell for row in rows for cell in row)
    for letter in "ab.":
        assert shown.count(letter) == wanted.count(letter)
