"""Experiment 3: a candidate of one's own among known ones.

    cd examples/experiments
    python add_a_candidate.py NAME [--accuracy 0.81] [--images 100] [--trials 3]
    python add_a_candidate.py pocket_net --module pocket_net.py --accuracy 0.8

NAME is a model of timm, or one that the file registers with timm. It is measured on this machine beside known
ones (--models). Where it lands:

    1  tie 1  levit_192.fb_dist_in1k      SAM 0.62 (0.61 to 0.63)
    2  tie 1  NAME                        SAM 0.61 (0.60 to 0.63)  <- yours
    3  tie 2  …

Rows of one tie are not distinguishable at 95 %. A model without a published Top-1 needs --accuracy (0-1).
"""

from __future__ import annotations

import sys
from pathlib import Path

from measuring import NotMeasured, arguments, measured
from msgspec.structs import replace

from analyzer.ranking import rank

KNOWN = "levit_192.fb_dist_in1k,efficientvit_b1.r224_in1k,tiny_vit_5m_224.dist_in22k_ft_in1k"


def main() -> int:
    """Measures, and ranks the candidate among the others."""
    parser = arguments(__doc__, KNOWN)
    parser.add_argument("name", metavar="NAME", help="a model of timm")
    parser.add_argument(
        "--module", type=Path, metavar="FILE.py", help="registers models of your own with timm"
    )
    parser.add_argument("--accuracy", type=float, help="its Top-1 (0-1), where none is published")
    asked = parser.parse_args()
    if asked.accuracy is not None and not 0 < asked.accuracy <= 1:
        parser.error(f"--accuracy {asked.accuracy:g}: a share above 0 and up to 1, such as 0.81")
    if asked.module is not None and not asked.module.is_file():
        parser.error(f"--module {asked.module}: there is no such file")
    try:
        results = measured(
            [asked.name, *(each for each in asked.models if each != asked.name)], asked, asked.module
        )
    except NotMeasured as error:
        print(error, file=sys.stderr)
        return 1
    if asked.accuracy is not None:
        told = {"accuracy": asked.accuracy, "accuracy_n": None, "accuracy_origin": "given"}
        results = [replace(each, **told) if each.model == asked.name else each for each in results]
    ranking = rank(results)
    for row in ranking.rows:
        interval = f"SAM {row.sam:.4g} ({row.sam_lo:.4g} to {row.sam_hi:.4g})"
        mine = "  <- yours" if row.model == asked.name else ""
        print(f"{row.rank}  tie {row.tie_group}  {row.model:<42}  {interval}{mine}")
    for refused in ranking.refused:
        print(f"not ranked: {refused.model}: {refused.reason}; --accuracy gives it one")
    return 0 if any(row.model == asked.name for row in ranking.rows) else 1


if __name__ == "__main__":
    sys.exit(main())
