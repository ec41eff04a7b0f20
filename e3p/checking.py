"""Holds what is stored against the rules of publishing, and tells a person what came of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import msgspec

from analyzer.book import Book
from analyzer.checks import Check, Finding, check_all, leading
from analyzer.exclusions import find_trial
from e3p.output import answer, print_table
from e3p.settings import Settings
from telemetry.contract.documents import EventRefused, Result
from telemetry.contract.errors import UserError
from view.checked import configuration

MOST_NAMED = 5
Column = tuple[str, str, str, str, str]


async def checks_of(settings: Settings, names: Sequence[str], group: str | None) -> list[Check]:
    """The verdicts on the configurations of these trials, of one campaign, or on all.

    Raises:
        UserError: an unknown trial or campaign.
    """
    async with settings.opened_store(create=False) as store:
        book = Book(store)
        await book.open()
        refused = [
            msgspec.json.decode(revision.doc, type=EventRefused)
            for revision in await store.latest("event_refused")
        ]
    trials = leading(book.results.values())
    wanted = {find_trial(name, {trial.window: trial for trial in trials}) for name in names}
    checks = check_all(_of_campaign(trials, group), book.excluded, refused)
    return [check for check in checks if not wanted or wanted & {*check.trials, *check.excluded}]


def _of_campaign(trials: Sequence[Result], group: str | None) -> Sequence[Result]:
    if group is None:
        return trials
    found = [trial for trial in trials if trial.group == group]
    if not found:
        groups = sorted({trial.group for trial in trials if trial.group}, reverse=True)
        there = f"there are {', '.join(groups[:MOST_NAMED])}" if groups else "the store has no campaign"
        raise UserError(f"--group {group}: no trial belongs to it; {there}")
    return found


def print_checks(checks: Sequence[Check], *, publishable: bool, everything: bool) -> None:
    """Each configuration's verdict, and below it what stands against it (or all)."""
    for check in checks:
        answer(f"\n{title(check)}: {verdict(check, publishable=publishable)}")
        told = [each for each in check.findings if everything or not _ok(each, publishable=publishable)]
        if told:
            print_table(("rule", "trial", "found", "needed", "source"), _rows(told))
        for event in check.refused_events:
            answer(f"refused mark: {event.event} of {event.trial}: {event.reason}")
        if check.causes and not any(each.rule == "variation" for each in told):
            answer(f"its trials vary by {100 * (check.cv or 0):.1f} %, with {'; '.join(check.causes)}")
        if not everything:
            rules = {each.rule for each in check.findings}
            passing = len(rules) - len({each.rule for each in told})
            answer(f"{passing} rules pass for every trial ({', '.join(check.trials) or 'none is judged'})")


def title(check: Check) -> str:
    """What is judged, and where it ran."""
    group = check.group
    where = ", ".join(part for part in (group.device, group.dataset, group.origin) if part)
    return f"{configuration(check)} on {check.node} ({where})"


def verdict(check: Check, *, publishable: bool) -> str:
    """In a few words."""
    if check.publishable:
        return "may be published"
    if check.usable:
        return "may not be published" if publishable else "may be used, and not published"
    return "may neither be published nor used"


def _rows(findings: Sequence[Finding]) -> Iterator[Column]:
    """The same finding of several trials is one row."""
    alike: dict[Column, list[str]] = defaultdict(list)
    for each in findings:
        alike[each.rule, "", each.found, each.needed, each.source].append(each.trial or "all")
    for (rule, _, found, needed, source), trials in alike.items():
        more = f" and {len(trials) - 1} more" if len(trials) > 1 else ""
        yield rule, trials[0] + more, found, needed, source


def _ok(finding: Finding, *, publishable: bool) -> bool:
    return finding.publishable if publishable else finding.usable
