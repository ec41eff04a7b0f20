"""What is checked of trials: before the first one, which cannot run here; in a warm-up, whether it is steady.

Names, files and batches come first, without torch, whose loading takes seconds.

It lies beside `runner.py` and runs where that runs: Python 3.6 and up, standard library only.
"""

import difflib
import functools
import importlib.util
import re
import statistics
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable, Dict, FrozenSet, Iterator, List, Optional, Sequence, Tuple

if __package__:
    from edge_node.images import TORCHVISION, Fault
    from edge_node.runner_checkpoint import RIGHT
    from edge_node.runner_spec import configuration
else:  # alone on a device, beside the others
    from images import TORCHVISION, Fault  # type: ignore[import-not-found,no-redef]
    from runner_checkpoint import RIGHT  # type: ignore[import-not-found,no-redef]
    from runner_spec import configuration  # type: ignore[import-not-found,no-redef]

Trial = SimpleNamespace
Check = Callable[[Trial], None]

# A model as timm registers it; and with a tag, before the settings of its weights.
NAMES = re.compile(r"@register_model\s+def (\w+)\(|['\"](\w+\.\w+)['\"]: *_")
STEADY, STEADY_BATCHES, STEADY_S = 0.05, 5, 0.5


def check_first(spec: SimpleNamespace, data: Any) -> None:  # noqa: ANN401  (a `runner_data.Data`)
    """Raises the first `Fault` that shows without torch, where one ends the whole run."""
    for trial in () if spec.goes_on else spec.plan:
        if not spec.module:
            check_name(trial.model)
        if trial.checkpoint:
            _check_file(trial.checkpoint)
        if not (trial.images_dir or "").startswith(TORCHVISION):  # that loads torch
            data.check(trial, 0)


def check_name(name: str) -> None:
    """Raises `Fault` for a model whose name stands nowhere in timm's own files."""
    (words, models), own = _timm(), name.partition(".")[0]
    is_elsewhere = ":" in name or "/" in name
    if is_elsewhere or not words or own in words:
        return
    near = difflib.get_close_matches(name, models, 3)
    right = ", ".join(near) or "a name of timm.list_models()"
    raise Fault("timm has no model %r" % name, "spec.models", right, name)


def _check_file(file: str) -> None:
    try:
        Path(file).open("rb").close()
    except OSError as fault:
        raise Fault("it cannot be read: %s" % fault.strerror, file, RIGHT) from None


@functools.lru_cache(maxsize=1)
def _timm() -> Tuple[FrozenSet[str], List[str]]:
    """All words in the source of the models of timm here, and the models; nothing where it shows none."""
    found = importlib.util.find_spec("timm")
    places = [Path(place) for place in (found.submodule_search_locations if found else None) or ()]
    files = [file for place in places for file in sorted(place.glob("models/**/*.py"))]
    text = "\n".join(file.read_text(encoding="utf-8", errors="replace") for file in files)
    return frozenset(re.findall(r"\w+", text)), [plain or tagged for plain, tagged in NAMES.findall(text)]


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
