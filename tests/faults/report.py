"""The fault table: as text for a terminal, and as the page docs/reliability.md."""

from __future__ import annotations

import datetime as dt
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path

import psutil

from tests.faults.row import Outcome, Row

MEMORY_OF = ("connects", "backlog", "poison", "disorder")
MOST_FAULTS = 3
BEGIN, END = "<!-- table -->", "<!-- end of the table -->"
COLUMNS = (
    "fault",
    "store",
    "tries",
    "frames",
    "in flight",
    "messages per frame",
    "lost",
    "named lost",
    "doubled",
    "energies compared",
    "recovery: median",
    "most",
)


def table(rows: Sequence[Row], outcomes: Sequence[Outcome]) -> str:
    """Markdown, in the order of the rows."""
    words = {row.name: row.words for row in rows}
    order = {row.name: at for at, row in enumerate(rows)}
    ordered = sorted(outcomes, key=lambda each: (order[each.row], each.store))
    lines = [f"| {' | '.join(cells(each, words[each.row]))} |" for each in ordered]
    return "\n".join([f"| {' | '.join(COLUMNS)} |", f"|{'---|' * len(COLUMNS)}", *lines])


def cells(outcome: Outcome, words: str) -> list[str]:
    """One line of the table."""
    account, flights = outcome.account, [each.in_flight for each in outcome.tries]
    recovery = [each.recovery_s for each in outcome.tries]
    return [
        f"**{outcome.row}**: {words}",
        outcome.store,
        str(len(outcome.tries)),
        f"{account.made:,}",
        f"{min(flights)}–{max(flights)}",
        f"{outcome.messages / max(1, account.made):.2f}",
        str(account.lost),
        str(account.named),
        str(account.doubled),
        f"{account.results}: {'equal' if not outcome.faults else 'SEE BELOW'}",
        f"{statistics.median(recovery):.1f} s",
        f"{max(recovery):.1f} s",
    ]


def machine() -> str:
    """What the figures were taken on."""
    memory_gib = psutil.virtual_memory().total / 2**30
    load = psutil.getloadavg()[0]
    today = dt.datetime.now(tz=dt.timezone.utc).date()
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{system}, {psutil.cpu_count()} cores, {memory_gib:.0f} GiB; {today}, load at the end {load:.1f}"


def write_page(page: Path, rows: Sequence[Row], outcomes: Sequence[Outcome]) -> None:
    """Puts the table where the page has its place for one; all the rest of the page stays."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    told = f"\nTaken on {machine()}.\n\n{table(rows, outcomes)}\n\n{notes(outcomes)}\n"
    page.write_text(f"{before}{BEGIN}{told}{END}{after}", encoding="utf-8")


def notes(outcomes: Sequence[Outcome]) -> str:
    """Memory, and all that went wrong."""
    lines = [
        "Resident memory of the programs that lived through a row, after its first fault and after its last:",
        "",
    ]
    for outcome in outcomes:
        spans = [f"{name} {first:.0f} → {last:.0f} MiB" for name, (first, last) in outcome.memory_mib.items()]
        if outcome.row in MEMORY_OF and spans:
            lines.append(f"- {outcome.row}, {outcome.store}: {', '.join(spans)}")
    lines += [f"- {each.row}, {each.store}: {remark}" for each in outcomes for remark in each.remarks]
    for each in outcomes:
        lines += [f"- **{each.row}, {each.store}: {fault[:300]}**" for fault in each.faults[:MOST_FAULTS]]
    return "\n".join(lines)
