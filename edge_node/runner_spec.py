"""What the trial runner is asked for: one JSON object, checked field by field, and the trials that follow.

It lies beside `runner.py` and runs where that runs: Python 3.6 and up, standard library only.
"""

import difflib
import json
import os
import random
import re
from types import SimpleNamespace
from typing import IO, Any, Dict, List, Tuple

if __package__:
    from edge_node.images import Fault
else:  # alone on a device, beside images.py
    from images import Fault  # type: ignore[import-not-found,no-redef]

TEXT, COUNT, AMOUNT = r'"[^"]{1,256}"', r"[1-9]\d{0,8}", r"\d{1,9}(\.\d+)?(e-\d+)?"
FRACTION = r"(0|1|[01]\.0|0\.\d+|\d(\.\d+)?e-\d+)"
REFERENCE = r'\{("n": (\d+|null), )?("origin": (%s|null), )?"value": %s\}' % (TEXT, FRACTION)
REFERENCES = r"\{(%s: %s(, %s: %s)*)?\}" % (TEXT, REFERENCE, TEXT, REFERENCE)

Fields = Dict[str, Tuple[object, str, str]]  # default, pattern of the JSON, what is right
OF_A_TRIAL: Fields = {  # each trial of a plan may have its own
    "dataset": (None, '"[A-Za-z0-9_-]{1,64}"', "1 to 64 letters, digits, _ or -"),
    "images_dir": (None, TEXT, "a folder of images, or torchvision:FOLDER; null generates them"),
    "checkpoint": (None, TEXT, "a safetensors file of the model's weights, or null"),
    "labels": ("auto", '"(auto|none)"', "auto (where the folder tells them) or none"),
    "images": (1000, COUNT, "a whole number from 1"),
    "batch_size": (32, COUNT, "a whole number from 1"),
    "precision": (
        "fp32",
        '"(fp32|fp16|bf16|amp-fp16|amp-bf16)"',
        "fp32, fp16, bf16, amp-fp16 or amp-bf16",
    ),
    "warmup_s": (30, AMOUNT, "seconds: warm-up ends then, steady or not"),
    "cooldown_s": (10, AMOUNT, "seconds of rest before each trial but the first"),
    "cooldown_most_s": (120, AMOUNT, "seconds: the rest ends then, cool or not"),
    "cooldown_band_c": (5, AMOUNT, "degrees above the temperatures before the first trial"),
    "cooldown_to_c": (None, AMOUNT, "degrees Celsius, or null"),
    "min_s": (0, AMOUNT, "seconds: until then a trial repeats its images, in whole passes"),
    "jitter_ms": (0, AMOUNT, "milliseconds: random pauses between batches, against aliasing"),
    "delay_s": (0, AMOUNT, "seconds: a random delay before the warm-up, against aliasing"),
}
FIELDS: Fields = dict(
    OF_A_TRIAL,
    models=(None, r"\[%s(, %s)*\]" % (TEXT, TEXT), "a list of timm model names"),
    trials=(3, COUNT, "a whole number from 1"),
    plan=(None, r"\[\{.*\}\]", "a list of trials, each with its model and index"),
    device=("cpu", '"(cpu|cuda)"', "cpu or cuda"),
    pretrained=("auto", '"(auto|never)"', "auto (random weights where no others can be had) or never"),
    idle_s=(10, AMOUNT, "seconds of rest before and after all trials"),
    seed=(0, r"\d{1,9}", "a whole number from 0"),
    goes_on=(False, "(true|false)", "true (what cannot run here is left out) or false (nothing runs then)"),
    soak=(None, r"\{.*\}", "app, left_s and duty of a soak test"),
    module=(None, TEXT, "a Python file that registers models with timm, or null"),
    group=(None, TEXT, "a text of 1 to 256 characters; null makes one"),
    num_threads=(None, COUNT, "a whole number from 1; null leaves it to torch"),
    accuracy_refs=({}, REFERENCES, "{model: {value: 0 to 1, n, origin}}"),
)
OF_A_PLANNED: Fields = dict(
    OF_A_TRIAL,
    model=(None, TEXT, "a timm model name"),
    index=(0, r"\d{1,9}", "a whole number from 0"),
    order=(0, r"\d{1,9}", "a whole number from 0"),
    accuracy_ref=(None, REFERENCE, "{value: 0 to 1, n, origin}"),
)
CONFIGURATION = ("model", "dataset", "batch_size", "precision")


def read_spec(file: IO[str]) -> SimpleNamespace:
    """The spec with its defaults, its trials in order as `plan`. A `Fault` names the first wrong field."""
    try:
        raw = dict(json.load(file))
    except (TypeError, ValueError) as fault:
        raise Fault("the spec is no JSON object: %s" % fault, "spec", "one JSON object") from None
    spec = SimpleNamespace(**checked(raw, FIELDS, "spec."))
    spec.group = spec.group or os.urandom(6).hex()
    common = {name: getattr(spec, name) for name in OF_A_TRIAL}
    if spec.plan is None:
        spec.plan = [planned(dict(common, **trial), "spec.") for trial in rounds(spec)]
        return spec
    if not all(isinstance(trial, dict) for trial in spec.plan):
        raise Fault("plan cannot be %.80r" % spec.plan, "spec.plan", FIELDS["plan"][2])
    places = ("spec.plan[%d]." % at for at in range(len(spec.plan)))
    spec.plan = [planned(dict(common, **trial), place) for trial, place in zip(spec.plan, places)]
    return spec


def planned(fields: Dict[str, Any], where: str) -> SimpleNamespace:
    """One trial of the plan; a `Fault` names its first field that is wrong."""
    trial = SimpleNamespace(**checked(fields, OF_A_PLANNED, where))
    for name in ("model", "dataset"):
        if getattr(trial, name) is None:
            raise Fault(name + " is missing", where + name, OF_A_PLANNED[name][2])
    return trial


def rounds(spec: SimpleNamespace) -> List[Dict[str, Any]]:
    """Rounds over all models, each in a random order of its own: the plan of a spec that has none."""
    if not spec.models:
        raise Fault("models is missing", "spec.models", FIELDS["models"][2])
    for name in spec.models:
        if spec.models.count(name) > 1:
            right = "each model once; trials says how often"
            raise Fault("%s is named twice" % name, "spec.models", right, name)
    draw = random.Random(spec.seed)
    names = [draw.sample(spec.models, len(spec.models)) for _ in range(spec.trials)]
    trials = [{"model": name, "index": index} for index, each in enumerate(names) for name in each]
    return [dict(trial, order=order) for order, trial in enumerate(trials)]


def checked(raw: Dict[str, Any], fields: Fields, where: str) -> Dict[str, Any]:
    """A map with its defaults; a `Fault` names the first field that is wrong."""
    for name in raw:
        if name not in fields:
            near = difflib.get_close_matches(name, fields, 1) or sorted(fields)
            raise Fault("there is no field %r" % name, where + name, ", ".join(near))
    for name, (default, pattern, right) in fields.items():
        value = raw.setdefault(name, default)
        as_json = json.dumps(value, ensure_ascii=False, sort_keys=True)
        if value is not default and not re.match(pattern + r"\Z", as_json):
            raise Fault("%s cannot be %.80r" % (name, value), where + name, right)
    return raw


def configuration(trial: SimpleNamespace) -> Tuple[Any, ...]:
    """What makes trials comparable."""
    return tuple(getattr(trial, name) for name in CONFIGURATION)


def label(trial: SimpleNamespace, plan: List[SimpleNamespace]) -> str:
    """The model, and what else sets its configuration apart where the plan has several of it."""
    alike = [other for other in plan if other.model == trial.model]
    more = [name for name in CONFIGURATION[1:] if len({getattr(other, name) for other in alike}) > 1]
    words = [("batch %s" if name == "batch_size" else "%s") % getattr(trial, name) for name in more]
    return "%s (%s)" % (trial.model, ", ".join(words)) if words else str(trial.model)
