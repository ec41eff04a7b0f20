from __future__ import annotations

import re
from pathlib import Path

import msgspec

from e3p.settings import SECTIONS, load

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"


def test_the_page_names_every_setting_and_no_other() -> None:
    known = {
        f"{section}.{field.encode_name}" if section else field.encode_name
        for section, kind in SECTIONS.items()
        for field in msgspec.structs.fields(kind)
    }
    first_cells = [line.split("|")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert {key for cell in first_cells for key in re.findall(r"`([^`]+)`", cell)} == known


def test_the_example_file_of_the_page_is_taken(tmp_path: Path) -> None:
    found = re.search(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    file = tmp_path / "e3p.toml"
    file.write_text(found[1])
    settings = load(file)
    assert settings.edge.node == "bench-1"
    assert settings.edge.sensors[0].driver == "synthetic"
