"""What a plan would do: its trials in order and the time they take, without running any."""

from __future__ import annotations

from typing import NamedTuple

from e3p.output import answer, print_json, print_table
from e3p.plans import Run
from telemetry.contract.plan import Configuration, Planned

PREPARE_S = 1.0
STEADY_S = 1.0


class Span(NamedTuple):
    """How long something takes, seconds: at least, and at most as far as the plan says."""

    least_s: float
    most_s: float


def print_rehearsal(run: Run, *, json: bool) -> None:
    """The trials that are left, in order, and the expected time."""
    known = {each.key.configuration: each.seconds for each in run.ended if each.seconds is not None}
    rows = [(planned, expected(planned, known)) for planned in run.left]
    ends = 2 * (run.plan.protocol.idle_s + PREPARE_S)
    least_s, most_s = (ends + sum(span[side] for _, span in rows) for side in (0, 1))
    if json:
        trials = [{**_described(planned), **span._asdict()} for planned, span in rows]
        print_json({"group": run.group, "trials": trials, "least_s": least_s, "most_s": most_s})
        return
    head = ("order", "round", "model", "data set", "batch", "precision", "images", "at least", "at most")
    print_table(head, [_row(planned, span) for planned, span in rows])
    done = f", {len(run.trials) - len(rows)} have ended" if len(rows) < len(run.trials) else ""
    expects = f"{len(rows)} trials{done}: {clock(least_s)} to {clock(most_s)}"
    answer(f"{expects}, longer where the images of a trial take longer than its least time")


def expected(planned: Planned, known: dict[Configuration, float]) -> Span:
    """How long a trial takes with its rest; one of a configuration that has run lasts as long again."""
    steps = planned.steps
    measured = max(steps.min_s, known.get(planned.key.configuration, 0.0))
    rest = 0.0 if planned.order == 0 else steps.cooldown_s
    longest = max(steps.cooldown_s, steps.cooldown_most_s)
    return Span(
        rest + PREPARE_S + min(STEADY_S, steps.warmup_s) + measured,
        longest + max(PREPARE_S, steps.delay_s) + steps.warmup_s + measured,
    )


def clock(seconds: float) -> str:
    """Minutes and seconds, hours where there are any."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes}:{rest:02d} min"


def _row(planned: Planned, span: Span) -> tuple[object, ...]:
    one = planned.key.configuration
    return (
        planned.order,
        planned.key.index,
        one.model,
        one.dataset,
        one.batch_size,
        one.precision,
        planned.dataset.images,
        clock(span.least_s),
        clock(span.most_s),
    )


def _described(planned: Planned) -> dict[str, object]:
    one = planned.key.configuration._asdict()
    return {**one, "index": planned.key.index, "order": planned.order, "images": planned.dataset.images}
