"""The files that go onto old devices run on their Python, where there is one (no CI has to have it)."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge_node.marks_lines import parse_line
from telemetry.contract.marks import TrialEnd
from tests.fakes.inbox import Inbox

ROOT = Path(__file__).parents[2]
TRIAL = """
import mark
mark.prepare("group")
with mark.trial(model="m", dataset="d", batch_size=2, group="group", index=0) as trial:
    begin = mark.now_ns()
    trial.batch(begin, mark.now_ns(), 2)
print(trial.images)
"""


OLD = ["mark.py", "mark_torch.py", "images.py", *sorted(p.name for p in ROOT.glob("edge_node/runner*.py"))]
MARKED = """
import json, mark, sys
mark.prepare("group")
with mark.idle(group="group"):
    pass
about = {"model": "m", "dataset": "d", "batch_size": 2, "group": "group", "index": 0}
with mark.trial(context={"threads": 2}, **about) as trial:
    begin = mark.now_ns()
    trial.batch(begin, mark.now_ns(), 2, hits=[True, False])
    trial.load = 0.25
print(json.dumps([list(sys.version_info[:2]), trial.images]))
"""


def _pythons() -> list[str]:
    """Every Python 3 from 3.6 on that pyenv has here, and the one that runs the tests."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = [path for path in pyenv.glob("versions/3.*/bin/python") if _minor(path) >= 6]
    return [str(path) for path in sorted(found, key=_minor)] or [sys.executable]


def _minor(path: Path) -> int:
    return int(path.parts[-3].split(".")[1])


def _run(python: str, code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.defpath, "E3P_SOCKET": str(folder / "nobody.sock")}
    command = [python, "-c", code]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@functools.cache
def _find_python36() -> str | None:
    """The first that really is 3.6: a pyenv shim of that name may start nothing."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = [str(path) for path in pyenv.glob("versions/3.6*/bin/python3.6")]
    if on_path := shutil.which("python3.6"):
        found.append(on_path)
    for python in found:
        if _run(python, "import sys; print(sys.version_info[:2])", ROOT).stdout == "(3, 6)\n":
            return python
    return None


@pytest.fixture
def python36() -> str:
    found = _find_python36()
    if found is None:
        pytest.skip("no Python 3.6 here")
    return found


@pytest.mark.parametrize("name", OLD)
def test_it_compiles_on_python_3_6(python36: str, name: str, tmp_path: Path) -> None:
    source = ROOT / "edge_node" / name
    code = f"import py_compile; py_compile.compile({str(source)!r}, 'compiled', doraise=True)"
    done = _run(python36, code, tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_trial_is_marked_on_python_3_6_with_no_agent_there(python36: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / "edge_node" / "mark.py", tmp_path)
    done = _run(python36, TRIAL, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "2\n"


@pytest.mark.parametrize("python", _pythons())
def test_marks_are_the_same_lines_on_every_python(python: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / "edge_node" / "mark.py", tmp_path)
    with Inbox(tmp_path / "m") as inbox:
        environment = {"PATH": os.defpath, "E3P_SOCKET": str(tmp_path / "m")}
        done = subprocess.run(
            [python, "-c", MARKED], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    found = [parse_line(datagram, 0).mark for datagram in inbox.datagrams]
    kinds = [type(mark).__name__ for mark in found]
    assert kinds == ["Prepare", "IdleBegin", "IdleEnd", "TrialBegin", "Batches", "TrialEnd"]
    end = found[-1]
    assert isinstance(end, TrialEnd)
    assert (end.status, end.images, end.correct, end.load) == ("ok", 2, 1, 0.25)


@pytest.mark.parametrize("python", _pythons())
def test_the_load_of_the_doctor_runs_on_every_python(python: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [python, str(ROOT / "e3p" / "load_child.py"), "cpu"],
        cwd=tmp_path, input="0 1000000 2000000\n", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "ready\n"), done.stderr
