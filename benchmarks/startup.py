"""How long a person waits for the first word, and a device for its agent."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.harness import Effort, Figure, Unit, aiming, alternate, compare, per_item

TITLE = (
    "Whole processes, from the start to the end, on a warm file cache; against an interpreter that does "
    "nothing."
)
NAMES = ("startup.help", "startup.agent", "startup.collector")
AGAINST = "python -c pass"
TARGET_S = 0.3
SECONDS: Unit = per_item(1, "s", 1.0)


def run(effort: Effort) -> list[Figure]:
    """The help of the command, and what an agent and a collector import."""
    whole = [
        _figure("help", "`e3p --help`", ["-m", "e3p", "--help"], effort),
        _figure("agent", "importing the agent", ["-c", "import edge_node.app"], effort),
        _figure("collector", "importing the collector", ["-c", "import collector.app"], effort),
    ]
    return [aiming(whole[0], TARGET_S), *whole[1:]]


def _figure(name: str, what: str, arguments: list[str], effort: Effort) -> Figure:
    costs = alternate(lambda: _python(*arguments), lambda: _python("-c", "pass"), rounds=effort.rounds)
    return compare(f"startup.{name}", what, SECONDS, costs, AGAINST)


def _python(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
