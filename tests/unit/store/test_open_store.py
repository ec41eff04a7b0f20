"""A store's URL names it, or says what would."""

from __future__ import annotations

from pathlib import Path

import pytest

from telemetry.contract.errors import UserError
from telemetry.store.open import open_store, opened_store


@pytest.mark.parametrize(
    "url", ["sqlite:///e3p.db", "sqlite:////var/lib/e3p/e3p.db", "sqlite:///a b/c%20.db"]
)
def test_a_sqlite_url_is_a_store_that_keeps_its_url(url: str) -> None:
    assert open_store(url).url == url


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("e3p.db", "sqlite:///e3p.db"),
        ("", "sqlite:///e3p.db"),
        ("/var/e3p.db", "sqlite:////var/e3p.db"),
        ("sqlite:e3p.db", "no URL"),
        ("sqlite://e3p.db", "did you mean sqlite:///e3p.db"),
        ("sqlite://", "three slashes"),
        ("sqlite:///", "names no file"),
        ("sqlite:////", "names no file"),
        ("sqlite:///folder/", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///e3p.db?mode=ro", "names no file"),
        ("sqlite:///a\0b", "names no file"),
        ("postgres://host/db", "no store is called 'postgres'"),
        ("SQLITE:///e3p.db", "no store is called 'SQLITE'"),
    ],
)
def test_any_other_url_says_what_would_be_right(url: str, words: str) -> None:
    with pytest.raises(UserError) as refused:
        open_store(url)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.anyio
async def test_a_relative_url_is_a_file_below_this_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened_store("sqlite:///e3p.db"):
        assert (tmp_path / "e3p.db").is_file()


@pytest.mark.anyio
async def test_a_reader_of_a_store_that_is_not_there_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no store here"):
        async with opened_store(f"sqlite:///{tmp_path}/e3p.db", create=False):
            pass
