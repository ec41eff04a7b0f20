"""Logs of tegrastats and nvidia-smi through the whole line: known shapes give known joules, once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.commands import Said, e3p

LOGS = Path(__file__).parents[1] / "data" / "logs"
TX2 = ("tegrastats", LOGS / "tegrastats-tx2-jetpack4.log", "--node", "tx2", "--start", "2024-01-01T10:00:00Z")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return f"sqlite:///{tmp_path}/e3p.db"


def _imported(said: Said, code: int = 0) -> dict[str, Any]:
    assert said.status == code, said.err
    (result,) = json.loads(said.out)
    return dict(result)


def test_a_log_of_a_jetson_gives_the_energy_of_its_total(store: str) -> None:
    window = ("--begin", "2024-01-01T10:00:05Z", "--end", "2024-01-01T10:00:25Z")
    result = _imported(e3p("import", *TX2, "--interval", 1000, *window, "--store", store, "--json"))
    # 4.2 W until 9 s, a ramp of a second, 9.8 W from 10 to 19 s, a ramp, 4.2 W.
    assert result["energy_j"] == pytest.approx(4 * 4.2 + 7.0 + 9 * 9.8 + 7.0 + 5 * 4.2)
    assert (result["origin"], result["sensor"]) == ("replayed", "tegrastats")


def test_the_same_log_twice_changes_nothing(store: str) -> None:
    first, again = (e3p("import", *TX2, "--interval", 1000, "--store", store, "--json").out for _ in range(2))
    assert first == again
    assert json.loads(e3p("ledger", "--store", store, "--json").out)["closed"]


def test_a_log_of_two_gpus_gives_the_energy_of_the_one_that_is_named(store: str) -> None:
    log = ("import", "nvidia-smi", LOGS / "nvidia-smi-two-gpus.csv", "--store", store, "--json")
    one = _imported(e3p(*log, "--node", "one", "--gpu", "0"))
    other = _imported(e3p(*log, "--node", "other", "--gpu", "GPU-c2f8"))
    assert one["energy_j"] == pytest.approx(61.5 * 19.5)
    assert other["energy_j"] == pytest.approx(70.25 * 19.5)


def test_another_gpu_of_the_same_log_is_another_node(store: str) -> None:
    log = ("import", "nvidia-smi", LOGS / "nvidia-smi-two-gpus.csv", "--store", store, "--node", "pc")
    e3p(*log, "--gpu", "0")
    said = e3p(*log, "--gpu", "1")
    assert said.status == 2
    assert "read differently: give the same options as then, or another --node" in said.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (TX2[:4], "its lines carry no time; say when and how it was recorded: --start TIME --interval MS"),
        (("nvidia-smi", LOGS / "nvidia-smi-two-gpus.csv", "--node", "pc"), "name one with --gpu"),
        (("nvidia-smi", LOGS / "README.md", "--node", "pc"), "right would be timestamp, power.draw [W]"),
        (("tegrastats", LOGS / "README.md", "--node", "pc"), "README.md:1: no rail's power in it"),
    ],
)
def test_a_log_that_cannot_be_read_is_one_line_with_what_would_be_right(
    store: str, arguments: tuple[object, ...], words: str
) -> None:
    said = e3p("import", *arguments, "--store", store)
    assert said.status == 2
    assert words in said.err
    assert said.err.count("\n") == 1
