"""What `e3p grafana push` says before it asks any Grafana."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.commands import e3p


@pytest.fixture(autouse=True)
def _token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("E3P_GRAFANA_TOKEN", "glsa_test")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("grafana.lan:3000", "--url 'grafana.lan:3000': https://HOST[:PORT][/PATH] is expected"),
        ("http://admin:secret@grafana.lan", "no name or password in it"),
        ("http://grafana.lan:port", "https://HOST[:PORT][/PATH] is expected"),
    ],
)
def test_a_url_that_is_none_is_said_without_its_secrets(url: str, words: str) -> None:
    said = e3p("grafana", "push", "--url", url)
    assert said.status == 2
    assert words in said.err
    assert "secret" not in said.err


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("grafana.site", "grafana.push"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "grafana_client.api", None)
    said = e3p("grafana", "push", "--url", "http://grafana.lan")
    assert said.status == 2
    assert 'grafana_client.api is not installed: pip install "e3p-fleet[grafana]"' in said.err


def test_without_a_url_it_says_where_one_stands() -> None:
    said = e3p("grafana", "push")
    assert said.status == 2
    assert "--url https://HOST[:PORT], or grafana.url in e3p.toml" in said.err


def test_a_data_source_is_either_there_or_made() -> None:
    said = e3p("grafana", "push", "--url", "http://grafana.lan", "--data-source", "x", "--with-data-source")
    assert said.status == 2
    assert "either of them" in said.err
