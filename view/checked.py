"""The verdict of `e3p check` on each configuration of a ranking. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.checks import Check
from telemetry.contract.ranking import RankingGroup
from view.answer import setting
from view.tables import Table

VERDICTS = {(True, True): "yes", (True, False): "no, but it can be used", (False, False): "no"}


def checks_table(checks: Iterable[Check], group: RankingGroup) -> Table:
    """One row for each configuration of the group: may it be published, and which rules stand against it."""
    own = [check for check in checks if check.group == group]
    nodes = {check.node for check in own}
    rows = tuple(
        (
            f"{configuration(check)}{f' on {check.node}' if len(nodes) > 1 else ''}",
            VERDICTS[check.usable, check.publishable],
            _against(check),
        )
        for check in own
    )
    caption = "May these results be published? The verdict of e3p check, by the rules of docs/check.md"
    return Table(caption, ("configuration", "publish", "what stands against it"), rows)


def configuration(check: Check) -> str:
    """What is judged."""
    return ", ".join(filter(None, (check.model, setting(check))))


def _against(check: Check) -> str | None:
    """The rules that fail, each with what was found first, and of how many trials."""
    told: dict[str, list[str]] = {}
    for finding in check.findings:
        if not finding.publishable:
            told.setdefault(finding.rule, []).append(finding.found)
    return "; ".join(f"{rule}: {_found(found)}" for rule, found in told.items()) or None


def _found(found: list[str]) -> str:
    different = list(dict.fromkeys(found))
    return different[0] if len(different) == 1 else f"{different[0]} and {len(found) - 1} more"
