"""The three files that go onto old devices run on their Python, where there is one (no CI has to have it)."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRIAL = """
import mark
mark.prepare("group")
with mark.trial(model="m", dataset="d", batch_size=2, group="group", index=0) as trial:
    begin = mark.now_ns()
    trial.batch(begin, mark.now_ns(), 2)
print(trial.images)
"""


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


@pytest.mark.parametrize("name", ["mark.py", "runner.py", "images.py"])
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
