"""A deployed application: it marks its work for as long as its standard input is open.

Its batches keep to a schedule: every second holds the same number of images, however busy the machine is.
"""

from __future__ import annotations

import select
import sys
import time

from edge_node import mark

BATCH_NS = 20_000_000
TOOK_NS = 18_000_000


def main() -> None:
    job = mark.work("camera", "toy")
    begin_ns = mark.now_ns() // BATCH_NS * BATCH_NS
    while not select.select([sys.stdin], [], [], 0)[0]:
        time.sleep(max(0.0, (begin_ns + TOOK_NS - mark.now_ns()) / 1e9))
        job.batch(begin_ns, begin_ns + TOOK_NS, 4)
        begin_ns += BATCH_NS


if __name__ == "__main__":
    main()
