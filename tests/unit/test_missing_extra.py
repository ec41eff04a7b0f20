"""A command whose packages are not installed says what brings them, in one line."""

from __future__ import annotations

import sys

import pytest

from tests.commands import e3p

WANTS = {"jinja2": ("report", "report"), "plotly.offline": ("report", "report")}


@pytest.mark.parametrize("module", WANTS)
def test_a_command_without_its_packages_names_the_extra(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    command, extra = WANTS[module]
    for name in [*sys.modules]:
        if name.startswith(("view.", "e3p.reporting")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    said = e3p(command)
    assert (said.status, said.err) == (
        2,
        f'e3p: {module} is not installed: pip install "e3p-fleet[{extra}]"\n',
    )
