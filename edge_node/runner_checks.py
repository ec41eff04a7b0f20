"""What is checked of trials: before the first one, which cannot run here; in a warm-up, whether it is steady.

It lies beside `runner.py` and runs where that runs: Python 3.6 and up, standard library only.
"""

import statistics
from types import SimpleNamespace
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

if __package__:
    from edge_node.images import Fault
    from edge_node.runner_spec import configuration
else:  # alone on a device, beside the others
    from images import Fault  # type: ignore[import-not-found,no-redef]
    from runner_spec import configuration  # type: ignore[import-not-found,no-redef]

Trial = SimpleNamespace
Check = Callable[[Trial], None]

STEADY, STEADY_BATCHES, STEADY_S = 0.05, 5, 0.5


def faults(plan: List[Trial], models: Any, numbers: Any, data: Any) -> Iterator[Tuple[Trial, Fault]]:  # noqa: ANN401
    """The trials that cannot run, one of each configuration, each with what is wrong."""
    bad: Dict[Tuple[Any, ...], Fault] = {}
    checks: Sequence[Tuple[Callable[[Trial], Any], Check]] = (
        (lambda trial: trial.model, lambda trial: models.check([trial.model])),
        (lambda trial: trial.precision, lambda trial: numbers.check(trial.precision)),
        (lambda trial: (trial.model, trial.checkpoint), models.check_weights),
        (configuration, lambda trial: data.check(trial, models.outputs(trial), models.classes(trial))),
    )
    for what, check in checks:
        found: Dict[Any, Optional[Fault]] = {}
        for trial in plan:
            if configuration(trial) in bad:
                continue
            if what(trial) not in found:
                found[what(trial)] = _fault(check, trial)
            fault = found[what(trial)]
            if fault is not None:
                bad[configuration(trial)] = fault
                yield trial, fault


def _fault(check: Check, trial: Trial) -> Optional[Fault]:
    """What a check finds."""
    try:
        check(trial)
    except Fault as fault:
        return fault
    return None


def is_steady(times: Sequence[float]) -> bool:
    """The median of the last batches is within 5 % of that of those before: five each, and half a second."""
    medians: List[float] = []
    end = len(times)
    for _ in range(2):
        begin, seconds = end, 0.0
        while begin and (end - begin < STEADY_BATCHES or seconds < STEADY_S):
            begin -= 1
            seconds += times[begin]
        if end - begin < STEADY_BATCHES or seconds < STEADY_S:
            return False
        medians.append(statistics.median(times[begin:end]))
        end = begin
    return abs(medians[0] - medians[1]) < STEADY * medians[1]
