"""Run timm models on this device as marked trials: `PYTHON runner.py [--spec FILE]`.

A child process on an interpreter of the user's choice: Python 3.6 and up with torch and timm, and `mark.py`,
`images.py` and `runner_*.py` beside this file; nothing else of e3p. It reads one JSON object (its fields are
in `runner_spec.py`; standard input without `--spec`) and prints one JSON event a line. It exits with 0 when
every trial is done, with 1 when a configuration was left out or a signal came, and with 2 when the spec, the
interpreter or the images are wrong.

A trial measures transfer to the device and inference of batches that were decoded and preprocessed before
its window; building, warm-up, idle and cooldown lie outside of it too.
"""

import argparse
import itertools
import json
import os
import random
import signal
import socket
import statistics
import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Callable, Dict, List, Optional, Tuple

if __package__:
    from edge_node.images import Fault, load
    from edge_node.runner_checks import check_first, faults, is_steady
    from edge_node.runner_data import Data
    from edge_node.runner_device import Device, Load, above, libraries
    from edge_node.runner_models import NETWORK_S, RANDOM, Models, Numbers, ask_the_hub, register
    from edge_node.runner_spec import configuration, label, read_spec
else:  # alone on a device, beside the others
    from images import Fault, load  # type: ignore[import-not-found,no-redef]
    from runner_checks import check_first, faults, is_steady  # type: ignore[import-not-found,no-redef]
    from runner_data import Data  # type: ignore[import-not-found,no-redef]
    from runner_device import Device, Load, above, libraries  # type: ignore[import-not-found,no-redef]
    from runner_models import (  # type: ignore[import-not-found,no-redef]
        NETWORK_S,
        RANDOM,
        Models,
        Numbers,
        ask_the_hub,
        register,
    )
    from runner_spec import configuration, label, read_spec  # type: ignore[import-not-found,no-redef]

HERE = Path(__file__).resolve().parent
PREPARE_S = 1.0  # the agent's way from the `prepare` mark to the trial rate
PROGRESS_S = 0.5
LOOK_S = 1.0  # between two looks at the temperatures
DESCRIBED = ("model", "index", "dataset", "batch_size", "precision")
STEPS = ("warmup_s", "cooldown_s", "cooldown_most_s", "cooldown_band_c", "cooldown_to_c")
PROTOCOL = (*STEPS, "min_s", "jitter_ms", "order")
COVERS = "transfer and inference; decoding and preprocessing were done before"

Tensor = Any  # torch comes at run time, from the interpreter at hand
Model = Callable[[Tensor], Tensor]
Trial = SimpleNamespace  # one of `spec.plan`


class Work(SimpleNamespace):
    """What a trial runs: `model`, `batches`, the `labels` of their images, and a `draw` for its pauses."""


class Bench:
    """The trials of one spec on one device."""

    def __init__(self, spec: SimpleNamespace, mark: ModuleType, say: Callable[..., None]) -> None:
        self.spec, self.mark, self.say = spec, mark, say
        self.data = Data(spec.seed, say)
        check_first(spec, self.data)
        if spec.pretrained == "auto":
            ask_the_hub()
        right = "an interpreter that has torch and timm"
        self.torch, self.timm, data = (load(name, right) for name in ("torch", "timm", "timm.data"))
        if spec.module:
            register(spec.module)
        self.models = Models(self.torch, self.timm, spec.seed, spec.pretrained)
        self.is_cuda = spec.device == "cuda"
        if self.is_cuda and not self.torch.cuda.is_available():
            raise Fault("torch sees no CUDA device", "spec.device", "cpu, or a GPU and a torch with CUDA")
        if spec.num_threads:
            self.torch.set_num_threads(spec.num_threads)
        self.numbers = Numbers(self.torch, spec.device)
        self.data.use(self.torch, data)
        self.device = Device(uses_gpu=self.is_cuda)
        self.at_rest_c: Dict[str, float] = {}  # the temperatures before the first trial
        self.others: Optional[float] = None  # the load of others in the last rest
        self.left_out: Dict[Tuple[Any, ...], str] = {}
        for trial, fault in faults(spec.plan, self.models, self.numbers, self.data):
            if not spec.goes_on:
                raise fault
            self.leave_out(trial, fault.event["what"], fault.event["right"])

    def leave_out(self, trial: Trial, what: str, right: str) -> None:
        """A configuration that cannot run here is named."""
        key = configuration(trial)
        where = self.left_out[key] = label(trial, self.spec.plan)
        self.say("error", what=what, where=where, right=right, configuration=list(key))

    def run(self) -> int:
        """All trials in the order of the plan; 1 where a configuration was left out."""
        plan = [trial for trial in self.spec.plan if configuration(trial) not in self.left_out]
        if not plan:
            self.say("done", group=self.spec.group, left_out=list(self.left_out.values()))
            return 1
        sizes = {self.data.images(trial): self.data.count(trial) for trial in plan}
        order = [(trial.model, trial.index) for trial in plan]
        self.say("plan", group=self.spec.group, order=order, images=max(sizes.values()))
        for images, drawn in sizes.items():
            self.say("data", drawn=drawn, **images.told())
        self.rest("before")
        for trial in plan:
            if configuration(trial) not in self.left_out:
                is_cool = self.cool_down(trial, 0 if trial is plan[0] else trial.cooldown_s)
                self.attempt(trial, cooled=is_cool)
        if self.spec.idle_s:
            self.cool_down(plan[-1], plan[-1].cooldown_s)
        self.rest("after")
        self.say("done", group=self.spec.group, left_out=list(self.left_out.values()))
        return 1 if self.left_out else 0

    def rest(self, when: str) -> None:
        """The idle window; before the trials it also tells how warm the device is at rest."""
        if self.spec.idle_s:
            self.mark.prepare(self.spec.group)
            time.sleep(PREPARE_S)
            self.say("idle", when=when, seconds=self.spec.idle_s)
            others = Load(self.device)
            with self.mark.idle(group=self.spec.group):
                time.sleep(self.spec.idle_s)
            self.others = others.share()
        if when == "before":
            self.at_rest_c, _ = self.device.read()
            self.say("device", temp_c=self.at_rest_c, load=self.others)

    def cool_down(self, trial: Trial, least_s: float) -> Optional[bool]:
        """Rest until the temperatures are in the band again, or it takes too long; None without any."""
        begin, others = time.monotonic(), Load(self.device)
        time.sleep(least_s)
        while True:
            temp_c, _ = self.device.read()
            hot = above(temp_c, self.at_rest_c, trial.cooldown_band_c, trial.cooldown_to_c)
            if not hot or time.monotonic() - begin + LOOK_S > trial.cooldown_most_s:
                break
            time.sleep(LOOK_S)
        share = others.share()
        self.others = self.others if share is None else share
        if hot:
            self.say("hot", seconds=time.monotonic() - begin, hot=hot, at_rest_c=self.at_rest_c)
        return not hot if temp_c else None

    def attempt(self, trial: Trial, **came: Optional[bool]) -> None:
        """One trial; a configuration that this device cannot run is named and left out, the others go on."""
        try:
            self.trial(trial, came)
        except (RuntimeError, MemoryError, AssertionError) as fault:
            what = (str(fault) or type(fault).__name__).split("\n")[0]
            is_full = isinstance(fault, MemoryError) or "memory" in what
            right = "a smaller model/batch, fewer images" if is_full else "another precision, device or model"
            self.leave_out(trial, what, right)
        if self.is_cuda:
            self.torch.cuda.empty_cache()

    def trial(self, trial: Trial, came: Dict[str, Optional[bool]]) -> None:
        ready = time.monotonic() + PREPARE_S
        self.mark.prepare(self.spec.group)
        model = self.build(trial)
        config = self.data.config(model)
        pixels = self.data.pixels(trial, config).to(self.numbers.type_of(trial.precision))
        is_random = self.models.weights(trial)[0] == RANDOM
        work = Work(
            model=model,
            batches=pixels.split(trial.batch_size),
            labels=[] if is_random else self.data.expected(trial, model.num_classes),
            draw=random.Random("%s %s" % (self.spec.seed, trial.order)),
        )
        with getattr(self.torch, "inference_mode", self.torch.no_grad)(), self.numbers.cast(trial.precision):
            time.sleep(max(work.draw.uniform(0, trial.delay_s), ready - time.monotonic()))
            steady = self.warm_up(trial, work)
            self.measure(trial, self.described(trial, config, dict(came, steady=steady)), work)

    def build(self, trial: Trial) -> Any:  # noqa: ANN401  (a torch module)
        """The model on the device; where its weights come from is said once."""
        self.say("loading", model=trial.model, order=trial.order)
        known, _ = self.models.weights(trial)
        model = self.models.build(trial).to(self.spec.device, self.numbers.type_of(trial.precision))
        weights, why = self.models.weights(trial)
        if not known:
            self.say("weights", model=trial.model, weights=weights, reason=why, checkpoint=trial.checkpoint)
        return model

    def infer(self, model: Model, batch: Tensor) -> Tuple[Tensor, int, int]:
        """The scores of a batch, and the times before its transfer and after its inference."""
        begin_ns = self.mark.now_ns()
        scores = model(batch.to(self.spec.device))
        if self.is_cuda:
            self.torch.cuda.synchronize()
        return scores, begin_ns, self.mark.now_ns()

    def warm_up(self, trial: Trial, work: Work) -> bool:
        """The last batch, which may be a smaller one, then full ones until their times are steady."""
        begin, times = time.monotonic(), []
        self.infer(work.model, work.batches[-1])
        for batch in itertools.cycle(work.batches[:-1] or work.batches):
            _, begin_ns, end_ns = self.infer(work.model, batch)
            times.append((end_ns - begin_ns) / 1e9)
            seconds, steady = time.monotonic() - begin, is_steady(times)
            if steady or seconds >= trial.warmup_s:
                break
        self.say("warmup", model=trial.model, batches=len(times), seconds=seconds, steady=steady)
        return steady

    def described(self, trial: Trial, config: Dict[str, Any], came: Dict[str, Optional[bool]]) -> Any:  # noqa: ANN401
        """The trial's begin mark, a `mark.Trial`; `came` is what came of warm-up and rest."""
        spec, (subset, count) = self.spec, self.data.subset(trial, config)
        protocol = {field: getattr(trial, field) for field in PROTOCOL}
        protocol.update(came, images=count, data=self.data.images(trial).layout, covers=COVERS)
        protocol.update(idle_s=spec.idle_s, seed=spec.seed, weights=self.models.weights(trial)[0])
        temp_c, clock_mhz = self.device.read()
        context = {
            "libraries": dict(libraries(self.torch), timm=self.timm.__version__),
            "accelerator": self.torch.cuda.get_device_name(0) if self.is_cuda else None,
            "threads": self.torch.get_num_threads(),
            "temp_c": temp_c or None,
            "clock_mhz": clock_mhz or None,
            "load": self.others,
        }
        fields = {field: getattr(trial, field) for field in DESCRIBED}
        published = trial.accuracy_ref or spec.accuracy_refs.get(trial.model)
        marked = self.mark.trial(
            group=spec.group,
            backend="torch-" + spec.device,
            subset=subset,
            protocol={name: value for name, value in protocol.items() if value is not None},
            context={name: value for name, value in context.items() if value is not None},
            accuracy_ref=self.models.reference(trial) if trial.checkpoint else published,
            **fields,
        )
        self.say("trial_begin", trial=marked.id, images=count, order=trial.order, **fields)
        return marked

    def measure(self, trial: Trial, marked: Any, work: Work) -> None:  # noqa: ANN401  (a mark.Trial)
        """Whole passes over the images, until `min_s` is over."""
        others, begin = Load(self.device), time.monotonic()
        spoken = begin
        times: List[int] = []
        with marked:
            while not times or time.monotonic() - begin < trial.min_s:
                expected = iter(work.labels)
                for batch in work.batches:
                    time.sleep(work.draw.uniform(0, trial.jitter_ms) / 1e3)
                    scores, begin_ns, end_ns = self.infer(work.model, batch)
                    best = scores.argmax(1).tolist() if work.labels else []
                    hits = [number == next(expected) for number in best] if work.labels else None
                    marked.batch(begin_ns, end_ns, len(batch), hits=hits)
                    times.append(end_ns - begin_ns)
                    if time.monotonic() - spoken > PROGRESS_S:
                        spoken = time.monotonic()
                        self.say("progress", trial=marked.id, images=marked.images)
            marked.load = others.share()
        seconds, batch_ms = time.monotonic() - begin, statistics.median(times) / 1e6
        counts = {"images": marked.images, "correct": marked.correct if work.labels else None}
        self.say(
            "trial_end", trial=marked.id, order=trial.order, seconds=seconds, batch_ms=batch_ms, **counts
        )


def main(job: Callable[..., Any] = Bench) -> int:
    """The exit code of a job. What libraries print goes to standard error: standard output is for events."""
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
        return int(job(read_spec(arguments.spec), mark, say).run())
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
