"""In place of `e3p campaign part`: each trial takes a moment, is written down, told. Ends with its agent.

``part_child.py SETTINGS ID SECONDS``; the settings of the agent in JSON.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time

import msgspec

from e3p.campaigns.keeping import Keeping
from e3p.plans import Ended
from edge_node.settings import EdgeSettings


def tell(**event: object) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def end_with_the_agent() -> None:
    while os.read(0, 1):
        pass
    os._exit(130)


def main() -> None:
    settings, id_, seconds = (
        msgspec.json.decode(sys.argv[1], type=EdgeSettings),
        sys.argv[2],
        float(sys.argv[3]),
    )
    threading.Thread(target=end_with_the_agent, daemon=True).start()
    keeping = Keeping(settings)
    with keeping.alone():
        run = keeping.run(keeping.parts()[id_])
        tell(event="begun")
        for planned in run.left:
            tell(event="trial_begin", order=planned.order)
            time.sleep(seconds)
            run = run.having(Ended(planned.key, f"{os.getpid()}-{planned.order}"))
            keeping.shelf.keep(run)
            tell(event="trial_end", order=planned.order)


main()
