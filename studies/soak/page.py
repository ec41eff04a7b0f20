"""The page: tables and a picture from the figures of one study, words from `soak.md.in`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from string import Template

from studies.energy.page import table
from studies.soak import plots
from studies.soak.study import Judged, Study

WORDS = Path(__file__).with_name("soak.md.in")
REAL = Path(__file__).with_name("real.txt")
"""What `e3p soak report` said of a real soak."""
IMAGES = "images"


def write(study: Study, path: Path) -> None:
    """Write the page to `path` and its picture to the folder `images` beside it."""
    path.write_text(render(study), encoding="utf-8")
    plots.draw(study, path.parent / IMAGES)


def render(study: Study) -> str:
    """The page as Markdown."""
    results = [each for each in study.judged if each.level == "results"]
    frames = [each for each in study.judged if each.level == "frames"]
    return Template(WORDS.read_text(encoding="utf-8")).substitute(
        hours=f"{study.hours:g}",
        nodes_count=len(results),
        real=REAL.read_text(encoding="utf-8").rstrip(),
        by_results=_table(results),
        by_frames=_table(frames),
        injected=sum(len(each.faults) for each in results),
        results_s=f"{results[0].seconds:.0f}",
        results_mib=f"{results[0].peak_mib[0]:.0f} MiB after the first node and "
        f"{results[0].peak_mib[-1]:.0f} MiB after the last",
        frames_nodes=len(frames),
        frames_count=f"{sum(each.frames.made for each in frames):,}",
        frames_s=_range([each.seconds for each in frames], "s"),
        frames_mib=_growth(frames),
        healthy=f"{study.healthy:,}",
        alarms=len(study.alarms),
        alarm_rate=_rate(len(study.alarms), study.healthy),
        open_soaks=study.open_soaks,
        covered=_covered(study),
        picture=f"{IMAGES}/{plots.PICTURE}",
    )


def gates(study: Study) -> list[str]:
    """What the study does not hold, in words; nothing where all is well."""
    found = [
        f"{each.node} ({each.level}): {fault} was not named" for each in study.judged for fault in each.missed
    ]
    found += [f"{each.node} ({each.level}): {alarm}" for each in study.judged for alarm in each.alarms]
    found += [f"{each.node}: its ledger does not close" for each in study.judged if not each.frames.closed]
    found += study.alarms
    found += [
        f"an interval holds the truth in {each.held / each.repeats:.1%}, not 93 to 97 %"
        for each in study.covered
        if not 0.93 <= each.held / each.repeats <= 0.975
    ]
    return found


def _table(judged: Sequence[Judged]) -> str:
    head = ("node", "what was done to it", "named", "what else was", "verdict", "windows missing", "ledger")
    rows = [
        (
            each.node,
            "; ".join(each.faults) or "nothing",
            f"{len(each.faults) - len(each.missed)} of {len(each.faults)}" if each.faults else "",
            "; ".join(each.alarms) or "nothing",
            each.verdict,
            f"{each.windows.missing} of {each.windows.expected:,}",
            "closes" if each.frames.closed else "**open**",
        )
        for each in judged
    ]
    return table(head, rows)


def _covered(study: Study) -> str:
    rows = [
        (
            f"{each.hours:g} h",
            "yes" if each.daily else "no",
            f"{each.held:,} of {each.repeats:,}",
            f"{each.held / each.repeats:.1%}",
        )
        for each in study.covered
    ]
    return table(("length", "daily cycle", "intervals that hold the truth", "share"), rows)


def _growth(frames: Sequence[Judged]) -> str:
    """The highest use of memory in the first and in the last half day of each run."""
    firsts = [each.peak_mib[0] for each in frames]
    lasts = [each.peak_mib[-1] for each in frames]
    return f"{_range(firsts, 'MiB')} after 12 hours, {_range(lasts, 'MiB')} after all"


def _range(values: Sequence[float], unit: str) -> str:
    low, high = min(values), max(values)
    return f"{low:.0f} {unit}" if round(low) == round(high) else f"{low:.0f}–{high:.0f} {unit}"


def _rate(alarms: int, soaks: int) -> str:
    """The rate, or the most that it can be with 95 % confidence where none was seen (rule of three)."""
    return f"{alarms / soaks:.2%}" if alarms else f"none seen; below {3 / soaks:.2%} with 95 % confidence"
