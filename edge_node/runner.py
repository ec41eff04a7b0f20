"""Run timm models on this device as marked trials: `PYTHON runner.py [--spec FILE]`.

A child process on an interpreter of the user's choice: Python 3.6 and up with torch and timm, and `mark.py`
and `images.py` beside this file; nothing else of e3p. It reads one JSON object (`FIELDS`; standard input
without `--spec`) and prints one JSON event a line. It exits with 0 when every trial is done, with 1 when a
model was left out or a signal came, and with 2 when the spec, the interpreter or the images are wrong.

A trial measures transfer to the device and inference of batches that were decoded and preprocessed before
its window; building, warm-up, idle and cooldown lie outside of it too.
"""

import argparse
import difflib
import hashlib
import itertools
import json
import math
import os
import random
import re
import signal
import socket
import statistics
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import IO, Any, Callable, Dict, List, Sequence, Tuple

if __name__ != "__main__":
    from edge_node.images import Fault, find, load
else:  # alone on a device, beside images.py
    from images import Fault, find, load  # type: ignore[import-not-found,no-redef]

HERE = Path(__file__).resolve().parent
PREPARE_S = 1.0  # the agent's way from the `prepare` mark to the trial rate
PROGRESS_S = 0.5
NETWORK_S = 5  # a device in the field often has no network, and must not wait for one
MEMORY_SHARE = 0.6  # of the free memory, for the preprocessed images
TYPES = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}
PROTOCOL = ("warmup_s", "cooldown_s", "idle_s", "min_s", "jitter_ms", "seed")
COVERS = "transfer and inference; decoding and preprocessing were done before"

TEXT, COUNT, AMOUNT = r'"[^"]{1,256}"', r"[1-9]\d{0,8}", r"\d{1,9}(\.\d+)?(e-\d+)?"
FRACTION = r"(0|1|[01]\.0|0\.\d+|\d(\.\d+)?e-\d+)"
REFERENCE = r'%s: \{("n": (\d+|null), )?("origin": (%s|null), )?"value": %s\}' % (TEXT, TEXT, FRACTION)
REFERENCES = r"\{(%s(, %s)*)?\}" % (REFERENCE, REFERENCE)
DONE = r"\[(\[%s, \d{1,9}\](, \[%s, \d{1,9}\])*)?\]" % (TEXT, TEXT)
REQUIRED = object()
FIELDS: Dict[str, Tuple[object, str, str]] = {  # default, pattern of the JSON, what is right
    "models": (REQUIRED, r"\[%s(, %s)*\]" % (TEXT, TEXT), "a list of timm model names"),
    "dataset": (REQUIRED, '"[A-Za-z0-9_-]{1,64}"', "1 to 64 letters, digits, _ or -"),
    "images_dir": (None, TEXT, "a folder of images, or torchvision:FOLDER; null generates them"),
    "labels": ("auto", '"(auto|none)"', "auto (where the folder tells them) or none"),
    "images": (1000, COUNT, "a whole number from 1"),
    "batch_size": (32, COUNT, "a whole number from 1"),
    "trials": (3, COUNT, "a whole number from 1"),
    "device": ("cpu", '"(cpu|cuda)"', "cpu or cuda"),
    "precision": ("fp32", '"(fp32|fp16|bf16)"', "fp32, fp16 or bf16"),
    "pretrained": ("auto", '"(auto|never)"', "auto (random weights where no others can be had) or never"),
    "warmup_s": (30, AMOUNT, "seconds: warm-up ends then, steady or not"),
    "idle_s": (10, AMOUNT, "seconds of rest before and after all trials"),
    "cooldown_s": (10, AMOUNT, "seconds of rest between two trials"),
    "min_s": (0, AMOUNT, "seconds: until then a trial repeats its images, in whole passes"),
    "jitter_ms": (0, AMOUNT, "milliseconds: random pauses between batches, against aliasing"),
    "seed": (0, r"\d{1,9}", "a whole number from 0"),
    "group": (None, TEXT, "a text of 1 to 256 characters; null makes one"),
    "done": ([], DONE, "[[model, index], …]: the trials of this plan that are not run again"),
    "num_threads": (None, COUNT, "a whole number from 1; null leaves it to torch"),
    "accuracy_refs": ({}, REFERENCES, "{model: {value: 0 to 1, n, origin}}"),
}

Tensor = Any  # torch comes at run time, from the interpreter at hand
Model = Callable[[Tensor], Tensor]


def read_spec(file: IO[str]) -> SimpleNamespace:
    """The spec with its defaults; a `Fault` names the first field that is wrong."""
    try:
        raw = dict(json.load(file))
    except (TypeError, ValueError) as fault:
        raise Fault("the spec is no JSON object: %s" % fault, "spec", "one JSON object") from None
    for name in raw:
        if name not in FIELDS:
            near = difflib.get_close_matches(name, FIELDS, 1) or sorted(FIELDS)
            raise Fault("there is no field %r" % name, "spec." + name, ", ".join(near))
    for name, (default, pattern, right) in FIELDS.items():
        value = raw.setdefault(name, default)
        if value is REQUIRED:
            raise Fault(name + " is missing", "spec." + name, right)
        as_json = json.dumps(value, ensure_ascii=False, sort_keys=True)
        if value is not default and not re.match(pattern + r"\Z", as_json):
            raise Fault("%s cannot be %.80r" % (name, value), "spec." + name, right)
    return SimpleNamespace(**dict(raw, group=raw["group"] or os.urandom(6).hex()))


def ask_the_hub() -> None:
    """Without an answer only cached weights are looked for: its client would try for a minute a model."""
    hub = urllib.parse.urlsplit(os.environ.get("HF_ENDPOINT", "https://huggingface.co"))
    if "HF_HUB_OFFLINE" not in os.environ and not urllib.request.getproxies():
        try:
            socket.create_connection((hub.hostname or "", hub.port or 443), NETWORK_S).close()
        except (OSError, ValueError):
            os.environ["HF_HUB_OFFLINE"] = "1"


def check_models(timm: ModuleType, names: List[str]) -> None:
    """Every name is timm's, its tag too where this timm knows tags."""
    tagged = set(timm.list_pretrained()) if hasattr(timm, "list_pretrained") else set()
    for name in names:
        if names.count(name) > 1:
            raise Fault("%s is named twice" % name, "spec.models", "each model once; trials says how often")
        if not timm.is_model(name) or (tagged and "." in name and name not in tagged):
            near = difflib.get_close_matches(name, sorted(tagged.union(timm.list_models())), 3)
            right = ", ".join(near) or "a name of timm.list_models()"
            raise Fault("timm %s has no model %r" % (timm.__version__, name), "spec.models", right)


def free_bytes() -> float:
    """What the system could still give; infinite where it does not say."""
    try:
        words = Path("/proc/meminfo").read_text().split()
        return int(words[words.index("MemAvailable:") + 1]) * 1024.0
    except (OSError, ValueError):
        return math.inf


def is_steady(times: Sequence[float]) -> bool:
    """The median of the last five batches is within 5 % of that of the five before."""
    if len(times) < 10:
        return False
    last, before = statistics.median(times[-5:]), statistics.median(times[-10:-5])
    return abs(last - before) < 0.05 * before


class Bench:
    """The trials of one spec on one device."""

    def __init__(self, spec: SimpleNamespace, mark: ModuleType, say: Callable[..., None]) -> None:
        self.spec, self.mark, self.say = spec, mark, say
        if spec.pretrained == "auto":
            ask_the_hub()
        right = "an interpreter that has torch and timm"
        self.torch, self.timm, self.data = (load(name, right) for name in ("torch", "timm", "timm.data"))
        check_models(self.timm, spec.models)
        self.is_cuda = spec.device == "cuda"
        if self.is_cuda and not self.torch.cuda.is_available():
            raise Fault("torch sees no CUDA device", "spec.device", "cpu, or a GPU and a torch with CUDA")
        if spec.num_threads:
            self.torch.set_num_threads(spec.num_threads)
        self.type = getattr(self.torch, TYPES[spec.precision])
        self.check_precision()
        self.images = find(spec.images_dir, spec.dataset, spec.labels)
        self.count = min(spec.images, len(self.images.names) or spec.images)
        if spec.batch_size > self.count:
            what = "a batch of %d cannot come from %d images" % (spec.batch_size, self.count)
            raise Fault(what, "spec.batch_size", "at most %d" % self.count)
        for name in spec.models if hasattr(self.timm, "get_pretrained_cfg") else ():
            self.images.numbers(name, self.timm.get_pretrained_cfg(name).num_classes, self.data)
        self.drawn: List[int] = []  # which images the trials run on, in their order
        self.random: Dict[str, str] = {}  # why a model's weights are random; empty where they are not
        self.left_out: List[str] = []
        self.kept: Tuple[str, Tensor] = ("", None)  # the last preprocessed images: models often share them

    def run(self) -> int:
        """Rounds over all models, each in a random order of its own; 1 where a model was left out."""
        spec, draw = self.spec, random.Random(self.spec.seed)
        rounds = [draw.sample(spec.models, len(spec.models)) for _ in range(spec.trials)]
        plan = [(name, index) for index, names in enumerate(rounds) for name in names]
        order = [(name, index) for name, index in plan if [name, index] not in spec.done]
        self.say("plan", group=spec.group, order=order, images=self.count, done=len(plan) - len(order))
        self.say("data", drawn=self.count, **self.images.told())
        self.rest("before")
        for name, index in order:
            if name not in self.left_out:
                self.attempt(name, index)
                time.sleep(spec.cooldown_s)
        self.rest("after")
        self.say("done", group=spec.group, left_out=self.left_out)
        return 1 if self.left_out else 0

    def check_precision(self) -> None:
        """A small convolution and a product tell whether this device has this precision."""
        spec, right = self.spec, "fp32, which every device has"
        if spec.precision == "bf16" and self.is_cuda and self.torch.cuda.get_device_capability()[0] < 8:
            raise Fault("this GPU only imitates bf16", "spec.precision", "fp16 or " + right)
        try:
            ones = self.torch.ones(1, 1, 1, 1).to(spec.device, self.type)
            self.torch.nn.functional.conv2d(ones, ones).matmul(ones)
        except RuntimeError as fault:
            what = "%s has no %s with torch %s" % (spec.device, spec.precision, self.torch.__version__)
            raise Fault("%s: %s" % (what, str(fault).split("\n")[0]), "spec.precision", right) from None

    def rest(self, when: str) -> None:
        if self.spec.idle_s:
            self.mark.prepare(self.spec.group)
            time.sleep(PREPARE_S)
            self.say("idle", when=when, seconds=self.spec.idle_s)
            with self.mark.idle(group=self.spec.group):
                time.sleep(self.spec.idle_s)

    def attempt(self, name: str, index: int) -> None:
        """One trial; a model that this device cannot run is named and left out, the others go on."""
        try:
            self.trial(name, index)
        except (RuntimeError, MemoryError, AssertionError) as fault:
            what = (str(fault) or type(fault).__name__).split("\n")[0]
            is_full = isinstance(fault, MemoryError) or "memory" in what
            right = "a smaller batch_size, fewer images" if is_full else "another precision, device or model"
            self.left_out.append(name)
            self.say("error", what=what, where=name, right=right)
        if self.is_cuda:
            self.torch.cuda.empty_cache()

    def trial(self, name: str, index: int) -> None:
        ready = time.monotonic() + PREPARE_S
        self.mark.prepare(self.spec.group)
        model = self.build(name)
        resolve = getattr(self.data, "resolve_model_data_config", None)
        config = resolve(model) if resolve else self.data.resolve_data_config({}, model=model)
        numbers = self.images.numbers(name, model.num_classes, self.data)
        batches = self.preprocessed(config).to(self.type).split(self.spec.batch_size)
        is_labelled = self.images.labels and not self.random[name]
        labels = [numbers[self.images.labels[row]] for row in self.drawn] if is_labelled else []
        with getattr(self.torch, "inference_mode", self.torch.no_grad)():
            self.warm_up(name, model, batches)
            time.sleep(max(0.0, ready - time.monotonic()))
            self.measure(self.described(name, index, config), model, batches, labels)

    def build(self, name: str) -> Any:  # noqa: ANN401  (a torch module)
        """The model on the device, its weights random where no others can be had; that is said."""
        self.say("loading", model=name)
        self.torch.manual_seed(self.spec.seed)
        model, why = None, self.random.get(name, "as asked" if self.spec.pretrained == "never" else "")
        if not why:
            try:
                model = self.timm.create_model(name, pretrained=True)
                config = getattr(model, "pretrained_cfg", None) or model.default_cfg
                source = config if isinstance(config, dict) else vars(config)
                if not any(source.get(key) for key in ("url", "file", "hf_hub_id", "state_dict")):
                    why = "this timm has none for it"  # older ones only log that
            except Exception as fault:  # noqa: BLE001  (each hub fails in its own way, and none stops a trial)
                why = re.split(r"(?<=[.!?])\s|\n", "%s: %.200s" % (type(fault).__name__, fault))[0]
        if name not in self.random:
            self.say("weights", model=name, weights="random" if why else "pretrained", reason=why)
        self.random[name] = why
        return (model or self.timm.create_model(name)).eval().to(self.spec.device, self.type)

    def preprocessed(self, config: Dict[str, Any]) -> Tensor:
        """All images as the model wants them: float32, images x channels x rows x columns."""
        key = repr(sorted(config.items()))
        if self.kept[0] != key:
            self.kept = ("", None)
            shape = (self.count, *config["input_size"])
            need = 6 * shape[0] * shape[1] * shape[2] * shape[3]  # bytes, a copy in half precision included
            if need > MEMORY_SHARE * free_bytes():
                raise MemoryError("the images %s take %.1f GB of memory" % (shape, need / 1e9))
            draw = self.torch.Generator().manual_seed(self.spec.seed)
            is_made = not self.images.names
            self.kept = (
                key,
                self.torch.randn(shape, generator=draw) if is_made else self.decoded(shape, config),
            )
        return self.kept[1]

    def decoded(self, shape: Sequence[int], config: Dict[str, Any]) -> Tensor:
        transform, pixels = self.data.create_transform(**config), self.torch.empty(shape)

        def keep(row: int, picture: Any) -> None:  # noqa: ANN401  (Pillow's)
            pixels[row] = transform(picture)

        known = len(self.images.broken)
        self.drawn = self.images.draw(self.spec.seed, self.count, keep)
        if len(self.images.broken) > known:
            self.say("unreadable", images=len(self.drawn), names=sorted(self.images.broken))
        return pixels[: len(self.drawn)]

    def infer(self, model: Model, batch: Tensor) -> Tuple[Tensor, int, int]:
        """The scores of a batch, and the times before its transfer and after its inference."""
        begin_ns = self.mark.now_ns()
        scores = model(batch.to(self.spec.device))
        if self.is_cuda:
            self.torch.cuda.synchronize()
        return scores, begin_ns, self.mark.now_ns()

    def warm_up(self, name: str, model: Model, batches: Sequence[Tensor]) -> None:
        """The last batch, which may be a smaller one, then full ones until their times are steady."""
        begin, times = time.monotonic(), []
        self.infer(model, batches[-1])
        for batch in itertools.cycle(batches[:-1] or batches):
            _, begin_ns, end_ns = self.infer(model, batch)
            times.append((end_ns - begin_ns) / 1e9)
            seconds = time.monotonic() - begin
            if is_steady(times) or seconds >= self.spec.warmup_s:
                break
        self.say("warmup", model=name, batches=len(times), seconds=seconds, steady=is_steady(times))

    def described(self, name: str, index: int, config: Dict[str, Any]) -> Any:  # noqa: ANN401  (a mark.Trial)
        spec = self.spec
        made = [str(part) for part in ("generated", spec.seed, self.count, config["input_size"])]
        listing = [self.images.names[row] for row in self.drawn] or made
        subset, count = hashlib.sha256("\n".join(listing).encode()).hexdigest(), len(self.drawn) or self.count
        protocol = {field: getattr(spec, field) for field in PROTOCOL}
        protocol.update(images=count, data=self.images.layout)
        protocol.update(weights="random" if self.random[name] else "pretrained")
        protocol.update(covers=COVERS, torch=str(self.torch.__version__), timm=self.timm.__version__)
        fields = {field: getattr(spec, field) for field in ("dataset", "batch_size", "group", "precision")}
        fields.update(backend="torch-" + spec.device, subset=subset, protocol=protocol)
        trial = self.mark.trial(model=name, index=index, accuracy_ref=spec.accuracy_refs.get(name), **fields)
        self.say("trial_begin", trial=trial.id, model=name, index=index, images=count)
        return trial

    def measure(self, trial: Any, model: Model, batches: Sequence[Tensor], labels: List[int]) -> None:  # noqa: ANN401
        """Whole passes over the images, until `min_s` is over."""
        begin = spoken = time.monotonic()
        draw = random.Random(self.spec.seed)
        times: List[int] = []
        with trial:
            while not times or time.monotonic() - begin < self.spec.min_s:
                expected = iter(labels)
                for batch in batches:
                    time.sleep(draw.uniform(0, self.spec.jitter_ms) / 1e3)
                    scores, begin_ns, end_ns = self.infer(model, batch)
                    best = scores.argmax(1).tolist() if labels else []
                    hits = [number == next(expected) for number in best] if labels else None
                    trial.batch(begin_ns, end_ns, len(batch), hits=hits)
                    times.append(end_ns - begin_ns)
                    if time.monotonic() - spoken > PROGRESS_S:
                        spoken = time.monotonic()
                        self.say("progress", trial=trial.id, images=trial.images)
        seconds, batch_ms = time.monotonic() - begin, statistics.median(times) / 1e6
        counts = {"images": trial.images, "correct": trial.correct if labels else None}
        self.say("trial_end", trial=trial.id, seconds=seconds, batch_ms=batch_ms, **counts)


def main() -> int:
    """The exit code. What libraries print goes to standard error: standard output is for events."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--spec", type=argparse.FileType(), default="-", help="else from standard input")
    arguments = parser.parse_args()
    events, sys.stdout = sys.stdout, sys.stderr

    def say(event: str, **fields: object) -> None:
        events.write(json.dumps(dict({"event": event}, **fields)) + "\n")
        events.flush()

    try:
        mark = load("mark", "mark.py beside runner.py")
        sys.path[:] = [path for path in sys.path if Path(path).resolve() != HERE]  # `clock` is not ours alone
        return Bench(read_spec(arguments.spec), mark, say).run()
    except Fault as fault:
        say("error", **fault.event)
        return 2
    except KeyboardInterrupt:
        say("error", what="stopped by a signal", where="runner", right="another run")
        return 1
    except BrokenPipeError:  # whoever started this is gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), events.fileno())
        return 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    socket.setdefaulttimeout(NETWORK_S)
    sys.exit(main())
