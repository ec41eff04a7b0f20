from __future__ import annotations

import pytest

from e3p.output import print_table

WORDS = "these are words that go on for quite a while, and each of them can still be read"


def lines(capsys: pytest.CaptureFixture[str], *, wrap: bool) -> list[str]:
    print_table(("what", "finding"), [("a", WORDS), ("long name", "short"), ("b", "")], wrap=wrap)
    return capsys.readouterr().out.splitlines()


def test_words_go_on_in_the_next_line_where_the_terminal_ends(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    shown = lines(capsys, wrap=True)
    assert max(map(len, shown)) <= 50
    assert " ".join(line[11:] for line in shown[2:5]) == WORDS
    assert shown[3].startswith(" " * 11)
    assert shown[5:] == ["long name  short", "b"]


def test_a_narrow_terminal_leaves_room_for_a_few_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "10")
    assert max(map(len, lines(capsys, wrap=True))) <= 11 + 30


def test_a_table_of_figures_is_never_broken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    assert lines(capsys, wrap=False)[2] == f"a          {WORDS}"
