"""The experiments of `examples/experiments`: one command each, the shape of answer that they promise."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT

pytestmark = pytest.mark.timeout(400)

LEVIT, EFFICIENT = "levit_192.fb_dist_in1k", "efficientvit_b1.r224_in1k"
SMALL = ["--models", f"{EFFICIENT},{LEVIT}", "--images", "16", "--trials", "2"]


def run(name: str, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, ROOT / "examples" / "experiments" / f"{name}.py", "--out", folder, *more]
    return subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)


def test_what_one_model_saves_against_another_comes_with_an_interval(tmp_path: Path) -> None:
    done = run("energy_saved", tmp_path, *SMALL)
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    shape = rf"{re.escape(LEVIT)} takes (\S+) % \((\S+) to (\S+)\) less energy than {re.escape(EFFICIENT)}"
    saved = re.fullmatch(shape, last)
    assert saved, last
    middle, least, most = map(float, saved.groups())
    assert least < middle < most < 100


def test_the_order_is_told_for_each_weight_of_accuracy(tmp_path: Path) -> None:
    done = run("sensitivity", tmp_path, *SMALL)
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^a = (\d)   (\S+) > (\S+)( \*)?$", done.stdout, re.MULTILINE)
    assert [row[0] for row in rows] == ["1", "3", "5", "7"]
    usual = rows[2][1:3]
    for _, first, second, marked in rows:
        assert {first, second} == {LEVIT, EFFICIENT}
        assert bool(marked) == ((first, second) != usual)


def test_a_candidate_of_ones_own_lands_among_known_ones(tmp_path: Path) -> None:
    mine = "pocket_net"
    module = ROOT / "examples" / "experiments" / "pocket_net.py"
    done = run("add_a_candidate", tmp_path, mine, "--module", str(module), *SMALL, "--accuracy", "0.8")
    assert done.returncode == 0, done.stderr
    row = r"^(\d)  tie (\d)  (\S+) +  SAM (\S+) \((\S+) to (\S+)\)(  <- yours)?$"
    rows = re.findall(row, done.stdout, re.MULTILINE)
    assert [each[0] for each in rows] == ["1", "2", "3"]
    assert {each[2] for each in rows if each[6]} == {mine}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("energy_saved", "--models", "one"), "--models: two names of timm"),
        (("add_a_candidate", "any", "--accuracy", "81"), "--accuracy 81: a share above 0 and up to 1"),
        (("add_a_candidate", "any", "--module", "none.py"), "--module none.py: there is no such file"),
    ],
)
def test_a_wrong_word_is_named_before_anything_runs(
    words: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    done = run(words[0], tmp_path / "none", *words[1:])
    assert done.returncode == 2
    assert told in done.stderr
    assert not (tmp_path / "none").exists()
