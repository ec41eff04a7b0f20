"""May these results be published, and if not, why: every rule on every trial of a configuration. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import msgspec

from analyzer.configurations import Key, key_of
from analyzer.ranking import group_of
from analyzer.rules import KEPT, KIND_RULES, REFUSED, TRIAL_RULES, Outcome, Rule, passed
from analyzer.variation import variation_of
from telemetry.contract.documents import EventRefused, Result
from telemetry.contract.ranking import RankingGroup

NO_REASONS: Mapping[str, str] = MappingProxyType({})


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule says: of one trial, or of the configuration where `trial` is None."""

    rule: str
    asks: str
    source: str
    trial: str | None
    found: str
    needed: str
    usable: bool
    publishable: bool


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one configuration of one node: every rule's finding, what fails first.

    `usable`: good enough for a decision of one's own. `cv` is the variation between its trials, `causes` what
    goes with it. `excluded` are trials that a person took out, with the reason; they are not judged.
    """

    node: str
    group: RankingGroup
    model: str
    precision: str | None
    batch_size: int | None
    backend: str | None
    trials: tuple[str, ...]
    usable: bool
    publishable: bool
    cv: float | None
    causes: tuple[str, ...]
    findings: tuple[Finding, ...]
    excluded: dict[str, str]
    refused_events: tuple[EventRefused, ...]


def check_all(
    results: Iterable[Result],
    excluded: Mapping[str, str] = NO_REASONS,
    refused: Sequence[EventRefused] = (),
) -> list[Check]:
    """The verdict on every configuration among the results, each on its own node, the bad ones first."""
    kinds: dict[tuple[str, RankingGroup, Key], list[Result]] = defaultdict(list)
    campaigns: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for trial in leading(results):
        kinds[trial.node, group_of(trial), key_of(trial)].append(trial)
        campaigns[trial.node, trial.group or ""].append(trial)
    checks = []
    for trials in kinds.values():
        groups = {(trial.node, trial.group or "") for trial in trials}
        company = [other for group in groups for other in campaigns[group]]
        checks.append(_check(trials, company, excluded, refused))
    return sorted(checks, key=lambda check: (check.publishable, check.usable, check.model, check.node))


def leading(results: Iterable[Result]) -> list[Result]:
    """The trials among the results, each by the stream that leads (the first one, where none does)."""
    chosen: dict[tuple[str, str], Result] = {}
    trials = (r for r in results if r.kind == "trial" and r.model and r.leads is not False)
    for trial in sorted(trials, key=lambda trial: (trial.begin, trial.stream)):
        chosen.setdefault((trial.node, trial.window), trial)
    return list(chosen.values())


def _check(
    trials: Sequence[Result],
    company: Sequence[Result],
    excluded: Mapping[str, str],
    refused: Sequence[EventRefused],
) -> Check:
    out = {trial.window: excluded[trial.window] for trial in trials if trial.window in excluded}
    judged = [trial for trial in trials if trial.window not in out]
    names = {trial.window for trial in trials}
    events = tuple(event for event in refused if event.trial in names)
    findings = [_finding(rule, trial.window, rule.judge(trial)) for trial in judged for rule in TRIAL_RULES]
    findings += [_finding(rule, None, rule.judge(judged, company)) for rule in KIND_RULES]
    findings += [_finding(REFUSED, event.trial, _refused(event)) for event in events]
    findings += [_finding(KEPT, name, passed(why, "kept", ok=False)) for name, why in out.items()]
    findings.sort(key=lambda finding: (finding.publishable, finding.usable))
    # What a person took out speaks of that trial, and not of those that are left.
    telling = [finding for finding in findings if finding.rule != KEPT.name]
    vary = variation_of([trial for trial in judged if trial.state != "invalid"])
    first = trials[0]
    return Check(
        node=first.node,
        group=group_of(first),
        model=first.model or "",
        precision=first.precision,
        batch_size=first.batch_size,
        backend=first.backend,
        trials=tuple(trial.window for trial in judged),
        usable=bool(judged) and all(finding.usable for finding in telling),
        publishable=bool(judged) and all(finding.publishable for finding in telling),
        cv=vary.cv if vary else None,
        causes=tuple(cause.words for cause in vary.causes) if vary else (),
        findings=tuple(findings),
        excluded=out,
        refused_events=events,
    )


def _finding(rule: Rule, trial: str | None, outcome: Outcome) -> Finding:
    return Finding(rule=rule.name, asks=rule.asks, source=rule.source, trial=trial, **outcome._asdict())


def _refused(event: EventRefused) -> Outcome:
    return passed(f"{event.event}: {event.reason} ({event.stream} {event.seq})", "none", ok=False)
