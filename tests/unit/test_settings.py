from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest

from e3p import settings
from telemetry.contract.errors import UserError


def test_the_file_of_the_current_folder_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "e3p.toml").write_text('mqtt = "mqtt://broker"\n')
    assert settings.load().common.mqtt == "mqtt://broker"


def test_a_folder_that_may_not_be_looked_into_has_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", refuse)
    assert settings.load().resolved.origins["mqtt"] in ("default", "E3P_MQTT")


def test_a_named_file_that_cannot_be_read_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent\.toml: cannot be read"):
        settings.load(tmp_path / "absent.toml")
