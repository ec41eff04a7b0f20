"""The Dockerfile, read as text: there is no Docker on the machines that run the tests."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import yaml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "docker"
LINES = re.sub(r"\\\n", " ", (FOLDER / "Dockerfile").read_text()).splitlines()
IGNORED = (FOLDER / "Dockerfile.dockerignore").read_text().splitlines()


def stages() -> dict[str, tuple[str, list[str]]]:
    """By name: what a stage is made from, and its lines."""
    found: dict[str, tuple[str, list[str]]] = {}
    for line in LINES:
        if begun := re.match(r"FROM (\S+) AS (\S+)", line):
            lines = found.setdefault(begun[2], (begun[1], []))[1]
        elif line and not line.startswith("#"):
            lines.append(line)
    return found


def copied() -> list[str]:
    """What is copied from the repository."""
    lines = [line.split()[1:-1] for line in LINES if line.startswith("COPY ") and "--from" not in line]
    return [source for sources in lines for source in sources]


def test_what_it_copies_is_there_and_gets_to_the_builder() -> None:
    assert not [source for source in copied() if not (ROOT / source).exists()]
    assert {f"!{source}" for source in copied()} == {line for line in IGNORED if line.startswith("!")}
    assert "*" in IGNORED


def test_every_package_of_ours_is_in_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) <= set(copied())


def test_the_base_is_pinned() -> None:
    bases = {base for base, _ in stages().values()} - set(stages())
    assert bases
    assert all(re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", base) for base in bases)


def test_what_compose_builds_is_small_and_runs_as_nobody_in_particular() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"].values()
    targets = {each["build"]["target"] for each in services if "build" in each}
    assert targets == {"server", "edge"}
    for target in targets:
        base, lines = stages()[target]
        assert base == "base"
        assert [line for line in lines if not line.startswith("COPY --from=build")] == []
    assert "USER e3p" in stages()["base"][1]
