"""The rules of a result that may be published, each with its source: of a trial, or of a configuration. Pure.

A rule judges twice: may the number be used for a decision of one's own (`usable`), and may it be published.
What nothing tells cannot be shown, and is not published. docs/check.md has every rule in words.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from analyzer.configurations import key_of
from analyzer.variation import load_of, variation_of
from telemetry.contract.documents import Result
from telemetry.contract.nodetime import NS_PER_S

LEAST_S, LEAST_PUBLISHED_S = 10.0, 60.0
LEAST_UPDATES = 100
LEAST_TRIALS = 3
MOST_VARIATION, MOST_VARIATION_USABLE = 0.05, 0.2
MOST_LOAD, MOST_LOAD_USABLE = 0.1, 0.5
MOST_AGENT, AGENT_FROM_S = 0.1, 30.0
MOST_U95 = 0.05

MLPERF = "MLPerf Power (arXiv 2410.12032)"
SPEC = "SPEC Power and Performance Benchmark Methodology"
ZEUS = "Zeus (NSDI 2023)"
SENSORS = "Part-time power measurements (arXiv 2312.02741)"
METHOD = "docs/method.md"
GUM = "GUM (JCGM 100)"


class Outcome(NamedTuple):
    """What was found and what is needed, in words, and whether it will do."""

    found: str
    needed: str
    usable: bool
    publishable: bool


@dataclass(frozen=True)
class Rule:
    """A rule by name: what it asks in a few words, and where it comes from."""

    name: str
    asks: str
    source: str


@dataclass(frozen=True)
class TrialRule(Rule):
    """A rule of each trial."""

    judge: Callable[[Result], Outcome]


@dataclass(frozen=True)
class KindRule(Rule):
    """A rule of all trials of one configuration; `campaign` are all trials that ran in the same campaigns."""

    judge: Callable[[Sequence[Result], Sequence[Result]], Outcome]


def passed(found: str, needed: str, *, ok: bool, usable: bool = True) -> Outcome:
    """An outcome; what is fit to publish is fit to use."""
    return Outcome(found, needed, usable or ok, ok)


def _of(words: Collection[str], *, fatal: Collection[str] = ()) -> Callable[[Result], Outcome]:
    """Judges by the reasons and flags of a result; those that are `fatal` leave no number to use."""

    def judge(trial: Result) -> Outcome:
        found = [word for word in (*trial.reasons, *trial.flags) if word in words]
        return passed(
            ", ".join(found) or "none", "none", ok=not found, usable=not any(word in fatal for word in found)
        )

    return judge


def _coverage(trial: Result) -> Outcome:
    found = "no reading" if trial.coverage is None else f"{100 * trial.coverage:.1f} %"
    bad = set(trial.reasons) & {"coverage", "no_samples"}
    whole = not bad and "gap" not in trial.reasons and trial.energy_j is not None
    return passed(found, "100 % (95 % to use it)", ok=whole, usable=not bad and trial.energy_j is not None)


def _origin(trial: Result) -> Outcome:
    ok = trial.origin == "measured"
    return passed(
        trial.origin or "unknown", "measured", ok=ok, usable=trial.origin in ("measured", "replayed")
    )


def _duration(trial: Result) -> Outcome:
    seconds = (trial.end - trial.begin) / NS_PER_S
    slow_s = LEAST_UPDATES * (trial.period_ms or 0.0) / 1000
    least_s = max(LEAST_PUBLISHED_S, slow_s)
    why = f" ({LEAST_UPDATES} updates of its sensor)" if slow_s > LEAST_PUBLISHED_S else ""
    needed = f"{least_s:g} s{why}, {LEAST_S:g} s to use it"
    return passed(f"{seconds:.1f} s", needed, ok=seconds >= least_s, usable=seconds >= LEAST_S)


def _told(value: bool | None) -> str:  # noqa: FBT001
    return "not told" if value is None else "yes" if value else "no"


def _warm(trial: Result) -> Outcome:
    steady = trial.protocol.steady if trial.protocol else None
    return passed(_told(steady), "yes", ok=steady is True)


def _cool(trial: Result) -> Outcome:
    protocol = trial.protocol
    if protocol is None or protocol.cooldown_s is None:
        return passed("not told", "yes", ok=False)
    if protocol.cooled is None:
        return passed(f"no temperature; rested {protocol.cooldown_s:g} s", "yes, or rest by time", ok=True)
    return passed(_told(protocol.cooled), "yes", ok=protocol.cooled)


def _idle(trial: Result) -> Outcome:
    found = "none" if trial.idle_w is None else f"{trial.idle_w:.3g} W"
    return passed(found, "an idle window", ok=trial.idle_w is not None)


def _throttle(trial: Result) -> Outcome:
    return passed(", ".join(trial.throttle or ()) or "none", "none", ok=not trial.throttle)


def _load(trial: Result) -> Outcome:
    load = load_of(trial)
    found = "not told" if load is None else f"{100 * load:.0f} % of the processors"
    ok = load is not None and load <= MOST_LOAD
    return passed(
        found, f"at most {100 * MOST_LOAD:g} %", ok=ok, usable=load is None or load <= MOST_LOAD_USABLE
    )


def _agent(trial: Result) -> Outcome:
    seconds = (trial.end - trial.begin) / NS_PER_S
    # The agent reports every ten seconds: of a short window nobody knows what it cost.
    told = trial.agent_cpu_s is not None and seconds >= AGENT_FROM_S
    share = (trial.agent_cpu_s or 0.0) / seconds if told else None
    found = "not told" if share is None else f"{100 * share:.1f} % of a core"
    return passed(found, f"at most {100 * MOST_AGENT:g} %", ok=share is None or share <= MOST_AGENT)


def _performance(trial: Result) -> Outcome:
    if not trial.images or trial.images_per_s is None:
        return passed("no images", "images and their time", ok=False)
    ok = trial.latency_ms is not None
    found = f"{trial.images} images, {trial.images_per_s:.3g}/s" + ("" if ok else ", no batch times")
    return passed(found, "images and their time", ok=ok)


def _accuracy(trial: Result) -> Outcome:
    if trial.accuracy is None:
        return passed("unknown", "measured, or with its source", ok=False)
    found = f"{100 * trial.accuracy:.2f} % ({trial.accuracy_origin or 'no source'})"
    return passed(found, "measured, or with its source", ok=bool(trial.accuracy_origin))


def _uncertainty(trial: Result) -> Outcome:
    if trial.energy_j is None or trial.energy_u95_comparable_j is None or trial.energy_j <= 0:
        return passed("unknown", f"at most {100 * MOST_U95:g} %", ok=False)
    share = trial.energy_u95_comparable_j / trial.energy_j
    return passed(f"{100 * share:.2g} %", f"at most {100 * MOST_U95:g} %", ok=share <= MOST_U95)


def _repetitions(trials: Sequence[Result], _: Sequence[Result]) -> Outcome:
    counted = sum(trial.state != "invalid" for trial in trials)
    return passed(str(counted), f"at least {LEAST_TRIALS}", ok=counted >= LEAST_TRIALS, usable=counted > 0)


def _variation(trials: Sequence[Result], _: Sequence[Result]) -> Outcome:
    found = variation_of([trial for trial in trials if trial.state != "invalid"])
    needed = f"at most {100 * MOST_VARIATION:g} %"
    if found is None:
        return passed("unknown with fewer than 2 trials", needed, ok=False)
    ok = found.cv <= MOST_VARIATION
    words = f"{100 * found.cv:.1f} %" if ok else found.words
    return passed(words, needed, ok=ok, usable=found.cv <= MOST_VARIATION_USABLE)


def _order(trials: Sequence[Result], campaign: Sequence[Result]) -> Outcome:
    """A configuration that has company in its campaign does not run all of its trials in a row."""
    needed = "not all in a row"
    for group in sorted({trial.group or "" for trial in trials}):
        ran = sorted((one for one in campaign if (one.group or "") == group), key=lambda one: one.begin)
        own = [one.window for one in trials if (one.group or "") == group and one.state != "invalid"]
        runs = [len(list(same)) for is_own, same in groupby(ran, key=lambda one: one.window in own) if is_own]
        alone = len({key_of(one) for one in ran}) < 2
        if not alone and len(own) > 1 and len(runs) == 1:
            return passed(f"{len(own)} in a row", needed, ok=False)
    return passed("mixed with others, or alone", needed, ok=True)


def _context(trials: Sequence[Result], _: Sequence[Result]) -> Outcome:
    hashes = {trial.context_hash for trial in trials}
    complete = all(trial.manifest_hash and trial.context and trial.context.libraries for trial in trials)
    found = "not told" if not complete else f"{len(hashes)}: {', '.join(sorted(filter(None, hashes)))}"
    return passed(found, "one, told in full", ok=complete and len(hashes) == 1)


TRIAL_RULES = (
    TrialRule("finished", "the trial ran to its end", METHOD, _of(("aborted",), fatal=("aborted",))),
    TrialRule("coverage", "readings cover the whole window", METHOD, _coverage),
    TrialRule(
        "complete",
        "no frame and no mark is missing, and the sensor is described",
        METHOD,
        _of(("frames_missing", "frames_lost", "no_ledger", "no_manifest", "marks_missing")),
    ),
    TrialRule("alone", "no other window ran at the same time", MLPERF, _of(("overlap",), fatal=("overlap",))),
    TrialRule(
        "sampling",
        "the sensor is quick enough, and not in step with the batches",
        SENSORS,
        _of(("short", "locked_aliasing")),
    ),
    TrialRule(
        "plausible",
        "no reading is odd",
        METHOD,
        _of(
            ("unit_slip", "negative", "over_max", "frozen", "rails", "counter_back", "suspended"),
            fatal=("unit_slip",),
        ),
    ),
    TrialRule("clock", "the node's clock can be trusted", MLPERF, _of(("clock_bad", "no_clock"))),
    TrialRule("origin", "power was measured, here and now", SPEC, _origin),
    TrialRule("duration", "the window is long enough", MLPERF, _duration),
    TrialRule("warmup", "batches took equally long before the begin", ZEUS, _warm),
    TrialRule("cooldown", "the device had rested", METHOD, _cool),
    TrialRule("idle", "idle power was measured too", SPEC, _idle),
    TrialRule("throttle", "nothing held the device back", METHOD, _throttle),
    TrialRule("load", "nothing else kept the processors busy", SPEC, _load),
    TrialRule("agent", "measuring cost little itself", METHOD, _agent),
    TrialRule("performance", "energy and speed are of the same run", MLPERF, _performance),
    TrialRule("accuracy", "accuracy is known, and where from", MLPERF, _accuracy),
    TrialRule("uncertainty", "the comparable uncertainty is small", GUM, _uncertainty),
)
KIND_RULES = (
    KindRule("repetitions", "it was measured several times", SENSORS, _repetitions),
    KindRule("variation", "its trials agree", METHOD, _variation),
    KindRule("order", "its trials were mixed with those of others", METHOD, _order),
    KindRule("context", "device, settings and libraries are known, and the same", SPEC, _context),
)
REFUSED = Rule("marks", "no mark contradicts another", METHOD)
KEPT = Rule("kept", "no person took the trial out", METHOD)
RULES: tuple[Rule, ...] = (*TRIAL_RULES, *KIND_RULES, REFUSED, KEPT)
