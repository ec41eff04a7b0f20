"""The house stands as drawn: imports go down, programs stay small, files stay short and know no machine."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 40
HEAVY = {"numpy", "scipy", "torch", "torchvision", "timm"}
# Folders that exist on one machine only. Docs and tests say `~`, `/etc`, `/path/to`.
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:home|Users|root|work)/\w")


def _run(*command: str | Path, cwd: Path = ROOT) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def _loaded_by(module: str) -> set[str]:
    """The top-level names that importing `module` brings into a fresh interpreter."""
    code = (
        "import sys, json; before = set(sys.modules)\n"
        f"import {module}\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in set(sys.modules) - before})))"
    )
    return set(json.loads(_run(sys.executable, "-c", code)))


def _tracked(suffix: str = "") -> list[Path]:
    """The files of the repository, those not yet committed too."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    names = _run("git", "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    return [ROOT / name for name in names if name.endswith(suffix) and (ROOT / name).is_file()]


def _text(path: Path) -> str:
    """Empty for what is no text (pictures, recorded logs in other encodings)."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def test_imports_only_go_down() -> None:
    _run(
        sys.executable,
        "-c",
        "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))",
    )


@pytest.mark.parametrize("program", ["collector.app", "analyzer.app"])
def test_the_server_programs_load_no_torch(program: str) -> None:
    assert not _loaded_by(program) & {"torch", "torchvision", "timm"}


def test_the_agent_loads_nothing_heavy() -> None:
    assert not _loaded_by("edge_node.app") & HEAVY


def test_the_command_line_loads_nothing_heavy_before_a_command_runs() -> None:
    assert not _loaded_by("e3p.__main__") & HEAVY


@pytest.mark.parametrize("contract", ["telemetry.contract.frames", "telemetry.contract.documents"])
def test_the_contract_needs_msgspec_and_nothing_else(contract: str) -> None:
    # msgspec takes typing_extensions where it is installed.
    assert _loaded_by(contract) <= sys.stdlib_module_names | {"telemetry", "msgspec", "typing_extensions"}


def test_mark_imports_the_standard_library_only() -> None:
    assert _loaded_by("edge_node.mark") <= sys.stdlib_module_names | {"edge_node"}


def test_mark_works_as_one_file_copied_alone(tmp_path: Path) -> None:
    shutil.copy(ROOT / "edge_node" / "mark.py", tmp_path / "mark.py")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import mark"
    _run(sys.executable, "-I", "-S", "-c", code, cwd=tmp_path)


def test_no_file_is_longer_than_a_reader_holds_in_mind() -> None:
    lengths = {str(path.relative_to(ROOT)): len(_text(path).splitlines()) for path in _tracked(".py")}
    assert not {name: n for name, n in lengths.items() if n > MAX_FILE_LINES}


def test_no_function_is_longer_than_a_screen() -> None:
    long = []
    for path in _tracked(".py"):
        for node in ast.walk(ast.parse(_text(path))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.body[0].lineno + 1
                if lines > MAX_FUNCTION_LINES:
                    long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {lines} lines")
    assert not long


def test_no_file_names_a_folder_of_one_machine() -> None:
    found = []
    for path in _tracked():
        for number, line in enumerate(_text(path).splitlines(), 1):
            if MACHINE_PATH.search(line) or str(ROOT) in line:
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}")
    assert not found


def test_the_lock_names_versions_and_no_registry() -> None:
    lines = (ROOT / "requirements" / "lock.txt").read_text().splitlines()
    assert lines
    assert not [line for line in lines if "://" in line or "==" not in line]
