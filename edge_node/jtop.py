"""What the package jetson-stats (extra `jetson`) knows of a Jetson beyond its files: the module's name.

It is asked once, in a process of its own (`python -m edge_node.jtop`): it brings threads and memory with it,
and waits for its service, which may hang. Without the package, or without its service, nothing is told.
"""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from functools import cache
from typing import Any

import msgspec

PACKAGE = "jtop"
WITHIN_S = 10.0


class Told(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The module (`NVIDIA Jetson Orin NX (16GB ram)`), its JetPack and its power mode; None is not told."""

    module: str | None = None
    jetpack: str | None = None
    power_mode: str | None = None


@cache
def ask() -> Told:
    """The answer, asked once."""
    if importlib.util.find_spec(PACKAGE) is None:
        return Told()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "edge_node.jtop"], capture_output=True, timeout=WITHIN_S, check=True
        )
        return msgspec.json.decode(done.stdout, type=Told)
    except (OSError, subprocess.SubprocessError, msgspec.DecodeError):
        return Told()


def main() -> None:
    """Asks the service and prints what it told. Ends with its error where it does not answer."""
    package: Any = importlib.import_module(PACKAGE)
    with package.jtop() as jetson:
        hardware = jetson.board["hardware"]
        told = Told(
            module=hardware.get("Module") or None,
            jetpack=hardware.get("Jetpack") or None,
            power_mode=str(jetson.nvpmodel) if jetson.nvpmodel else None,
        )
    sys.stdout.write(msgspec.json.encode(told).decode() + "\n")


if __name__ == "__main__":
    main()
