"""Run one timm model for as long as a soak test lasts, its batches marked as `work`: `PYTHON runner_soak.py`.

It lies beside `runner.py`, takes the same spec with its field `soak`, and tells its events in the same way.
Work is due when the duty says so, by the device's wall clock in UTC; the length is counted by its monotonic
clock, so that a clock that is set makes no soak shorter or longer.
"""

import itertools
import signal
import socket
import sys
import time
from typing import Any, Dict

if __package__:
    from edge_node.runner import Bench, Trial, Work, main
    from edge_node.runner_models import NETWORK_S
else:  # alone on a device, beside the others
    from runner import Bench, Trial, Work, main  # type: ignore[import-not-found,no-redef]
    from runner_models import NETWORK_S  # type: ignore[import-not-found,no-redef]

DAY_S = 86400
REST_S = 0.2  # between two looks at the clock while nothing is due
TOLD_S = 10.0


def is_on(duty: Dict[str, Any], utc_s: float) -> bool:
    """Whether work is due: inside a burst (`on_s`, `off_s`), or a day (`from_s`, `to_s`), or always."""
    in_day = utc_s % DAY_S
    if "on_s" in duty:
        return bool(in_day % (duty["on_s"] + duty["off_s"]) < duty["on_s"])
    if "from_s" in duty:
        begin, end = duty["from_s"], duty["to_s"]
        return bool(begin <= in_day < end if begin < end else not end <= in_day < begin)
    return True


class Soak(Bench):
    """The work of a soak: one configuration, again and again."""

    def run(self) -> int:
        """Until the time is over; the images go round."""
        trial = self.spec.plan[0]
        model = self.build(trial)
        pixels = self.data.pixels(trial, self.data.config(model)).to(self.numbers.type_of(trial.precision))
        work = Work(model=model, batches=pixels.split(trial.batch_size))
        with getattr(self.torch, "inference_mode", self.torch.no_grad)(), self.numbers.cast(trial.precision):
            self.warm_up(trial, work)
            images = self.go_round(trial, work, time.monotonic() + self.spec.soak["left_s"])
        self.say("done", images=images)
        return 0

    def go_round(self, trial: Trial, work: Work, end_s: float) -> int:
        """Batches while work is due, rest while it is not; how many images that were."""
        marked = self.mark.work(self.spec.soak["app"], trial.model)
        told_s = 0.0
        for batch in itertools.cycle(work.batches):
            while not is_on(self.spec.soak["duty"], time.time()) and time.monotonic() < end_s:
                marked.flush()
                time.sleep(REST_S)
            if time.monotonic() >= end_s:
                break
            _, begin_ns, end_ns = self.infer(work.model, batch)
            marked.batch(begin_ns, end_ns, len(batch))
            if time.monotonic() - told_s > TOLD_S:
                told_s = time.monotonic()
                self.say("progress", images=marked.images, batch_ms=(end_ns - begin_ns) / 1e6)
        marked.flush()
        return int(marked.images)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    socket.setdefaulttimeout(NETWORK_S)
    sys.exit(main(Soak))
