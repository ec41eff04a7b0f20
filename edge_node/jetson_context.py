"""What a Jetson is set to and what it runs, from the files that every JetPack has."""

from __future__ import annotations

import re
from pathlib import Path

STATUS = Path("var/lib/nvpmodel/status")
MODES = Path("etc/nvpmodel.conf")
RELEASE = Path("etc/nv_tegra_release")
# NVIDIA's JetPack archive. A release that is not here is told by its L4T alone.
JETPACKS = {
    "32.4.3": "4.4",
    "32.4.4": "4.4.1",
    "32.5.0": "4.5",
    "32.5.1": "4.5.1",
    "32.6.1": "4.6",
    "32.7.1": "4.6.1",
    "32.7.2": "4.6.2",
    "32.7.3": "4.6.3",
    "32.7.4": "4.6.4",
    "35.1.0": "5.0.2",
    "35.2.1": "5.1",
    "35.3.1": "5.1.1",
    "35.4.1": "5.1.2",
    "35.5.0": "5.1.3",
    "35.6.0": "5.1.4",
    "36.3.0": "6.0",
    "36.4.0": "6.1",
    "36.4.3": "6.2",
    "36.4.4": "6.2.1",
}


def power_mode(root: Path) -> str | None:
    """The mode of nvpmodel: `nvpmodel-0 MAXN`, or the number alone where its name is not told."""
    found = re.search(r"pmode:(\w+)", _text(root / STATUS))
    if not found:
        return None
    number = str(int(found[1])) if found[1].isdigit() else found[1]
    named = re.search(rf"<\s*POWER_MODEL\s+ID={number}\s+NAME=(\S+)\s*>", _text(root / MODES))
    return f"nvpmodel-{number} {named[1]}"[:64] if named else f"nvpmodel-{number}"


def jetpack(root: Path) -> str | None:
    """JetPack and the L4T release that it belongs to, such as `JetPack 4.5.1 (L4T 32.5.1)`."""
    found = re.search(r"R(\d+) .*?REVISION: ([\d.]+)", _text(root / RELEASE))
    if not found:
        return None
    release = f"{found[1]}.{found[2]}"
    known = JETPACKS.get(release if release.count(".") > 1 else f"{release}.0")
    return f"JetPack {known} (L4T {release})" if known else f"L4T {release}"


def _text(path: Path) -> str:
    """Empty where it is absent or secret."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
