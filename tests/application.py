"""A small application under measurement: one marked trial, in batches, until its standard input is closed.

`python application.py TRIAL GROUP INDEX`. It says `begun` when it is inside the trial, and `ended IMAGES`.
"""

from __future__ import annotations

import select
import sys
import time

from edge_node import mark

PREPARE_S = 0.5
BATCH_S = 0.02
IMAGES = 4


def main() -> None:
    trial, group, index = sys.argv[1:]
    mark.prepare(group)
    time.sleep(PREPARE_S)
    labels = {"model": "toy", "dataset": "none", "batch_size": IMAGES}
    with mark.trial(**labels, group=group, index=int(index), trial=trial) as running:
        print("begun", flush=True)
        while not select.select([sys.stdin], [], [], 0)[0]:
            begin_ns = mark.now_ns()
            time.sleep(BATCH_S)
            running.batch(begin_ns, mark.now_ns(), IMAGES, correct=IMAGES - 1)
    print(f"ended {running.images}", flush=True)


if __name__ == "__main__":
    main()
