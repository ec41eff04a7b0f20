"""The verdict: what was found against what the plan allows, in words. Pure.

A drift passes when its whole interval lies within the budget, fails when none of it does, and is undecided
otherwise; a count or a share passes or fails.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from telemetry.contract.soak import Change, Compared, Drift, Episode, Held, Metric, Verdict, Windows
from telemetry.contract.soak_plan import DAY_S, Budgets

NAMES: dict[Metric, str] = {"j_per_image": "J per image", "latency_ms": "latency", "temp_c": "temperature"}


def drifts_held(drifts: Sequence[Drift], budgets: Budgets, length_s: float) -> Iterator[Held]:
    """A line for each drift that has a budget."""
    asked: dict[Metric, tuple[str, float | None]] = {
        "j_per_image": ("drift_j_percent_day", budgets.drift_j_percent_day),
        "latency_ms": ("drift_latency_percent_day", budgets.drift_latency_percent_day),
        "temp_c": ("drift_temp_c_day", budgets.drift_temp_c_day),
    }
    found = {drift.metric: drift for drift in drifts}
    for metric, (name, budget) in asked.items():
        if budget is not None:
            yield _drift_held(name, metric, found.get(metric), budget, length_s)


def _drift_held(name: str, metric: Metric, drift: Drift | None, budget: float, length_s: float) -> Held:
    unit = "°C per day" if metric == "temp_c" else "% per day"
    if drift is None:
        words = f"{NAMES[metric]}: too few windows can be compared to tell a drift"
        return Held(name=name, unit=unit, budget=budget, verdict="inconclusive", words=words)
    lo = -math.inf if drift.lo is None else drift.lo
    hi = math.inf if drift.hi is None else drift.hi
    verdict = _drift_verdict(drift, budget, lo, hi, length_s)
    words = (
        f"{NAMES[metric]} drifts by {drift.per_day:+.3g} {unit} ({_interval(lo, hi)}), {budget:g} is allowed"
    )
    if not drift.seasonal and verdict != "pass":
        words += "; in less than two days a daily cycle is not told from drift"
    elif verdict == "inconclusive":
        words += _longer(drift, budget, lo, hi, length_s)
    return Held(
        name=name,
        unit=unit,
        budget=budget,
        verdict=verdict,
        words=words,
        value=drift.per_day,
        lo=drift.lo,
        hi=drift.hi,
    )


def _drift_verdict(drift: Drift, budget: float, lo: float, hi: float, length_s: float) -> Verdict:
    """A soak that is planned for days does not fail by what may be the first day's warmth."""
    if -budget <= lo and hi <= budget:
        return "pass"
    if (lo > budget or hi < -budget) and (drift.seasonal or length_s < 2 * DAY_S):
        return "fail"
    return "inconclusive"


def _longer(drift: Drift, budget: float, lo: float, hi: float, length_s: float) -> str:
    """How long a soak would be that tells: an interval narrows with the length to the power of 1.5."""
    room = abs(budget - abs(drift.per_day))
    half = (hi - lo) / 2
    if not math.isfinite(half) or not room:
        return ": a longer soak would tell"
    hours = length_s / 3600 * max(1.0, half / room) ** (2 / 3) * 1.1
    if hours > 24 * 90:
        return ": it is too near to the budget to be told apart"
    return f": a soak of about {hours:.0f} h would tell" if hours >= 1 else ": a longer soak would tell"


def counts_held(windows: Windows, episodes: Sequence[Episode], budgets: Budgets) -> Iterator[Held]:
    """Shares of windows and numbers of events."""
    seen = windows.complete + windows.degraded
    shares = (
        ("throttled_share", windows.throttled, seen, "held back"),
        ("frozen_share", windows.frozen, seen, "read by a frozen sensor"),
        ("missing_share", windows.missing, windows.expected, "missing"),
    )
    for name, part, whole, what in shares:
        budget = getattr(budgets, name)
        share = part / whole if whole else 0.0
        words = f"{part} of {whole} windows are {what} ({share:.2%}), {budget:.2%} is allowed"
        yield _held(name, "share", share, budget, words)
    starts = [each for each in episodes if each.kind in ("restarted", "rebooted")]
    steps = [each for each in episodes if each.kind == "clock_step"]
    words = f"{len(starts)} starts anew, {budgets.restarts} are allowed"
    yield _held("restarts", "", len(starts), budgets.restarts, words)
    words = f"{len(steps)} steps of the clock, {budgets.clock_steps} are allowed"
    yield _held("clock_steps", "", len(steps), budgets.clock_steps, words)


def limits_held(hottest_c: float, changes: Sequence[Change], budgets: Budgets) -> Iterator[Held]:
    """The highest temperature and the largest step of J per image."""
    if budgets.temp_c is not None and math.isfinite(hottest_c):
        words = f"{hottest_c:.1f} °C at most, {budgets.temp_c:g} is allowed"
        yield _held("temp_c", "°C", hottest_c, budgets.temp_c, words)
    if budgets.step_percent is not None:
        steps = [change for change in changes if change.metric == "j_per_image"]
        largest = max((abs(change.step) for change in steps), default=0.0)
        words = f"the largest step of J per image is {largest:.2g} %, {budgets.step_percent:g} is allowed"
        yield _held("step_percent", "%", largest, budgets.step_percent, words)


def comparison_held(compared: Sequence[Compared], budgets: Budgets) -> Iterator[Held]:
    """J per image against the earlier soak, where there is one and a budget."""
    for each in compared:
        budget = budgets.worse_percent
        if each.metric == "j_per_image" and budget is not None:
            verdict: Verdict = "fail" if each.lo > budget else "pass" if each.hi <= budget else "inconclusive"
            words = (
                f"an image takes {each.percent:+.2f} % against {each.soak} ({_interval(each.lo, each.hi)})"
            )
            yield Held(
                name="worse_percent",
                unit="%",
                budget=budget,
                verdict=verdict,
                words=f"{words}, {budget:g} more is allowed",
                value=each.percent,
                lo=each.lo,
                hi=each.hi,
            )


def verdict_of(
    held: Sequence[Held], *, is_over: bool, worked: int, left_s: float
) -> tuple[Verdict, list[str]]:
    """All together, with the reasons: one failed budget fails it, one that is open leaves it open."""
    failed = [each.words for each in held if each.verdict == "fail"]
    opens = [each.words for each in held if each.verdict == "inconclusive"]
    if not worked:
        opens.insert(0, "no window with work is stored: is the server on the device's broker?")
    if not is_over and left_s <= 0:
        opens.insert(0, "its last windows are still on their way")
    elif not is_over:
        left = f"{left_s / 3600:.1f} h" if left_s < 2 * DAY_S else f"{left_s / DAY_S:.1f} days"
        opens.insert(0, f"it is not over: {left} are left")
    if failed:
        return "fail", failed
    if opens:
        return "inconclusive", opens
    return "pass", [f"all {len(held)} budgets are kept"]


def _held(name: str, unit: str, value: float, budget: float, words: str) -> Held:
    verdict: Verdict = "pass" if value <= budget else "fail"
    return Held(name=name, unit=unit, budget=float(budget), verdict=verdict, words=words, value=float(value))


def _interval(lo: float, hi: float) -> str:
    if not (math.isfinite(lo) and math.isfinite(hi)):
        return "95 %: no limit can be told"
    return f"95 %: {lo:+.3g} to {hi:+.3g}"
