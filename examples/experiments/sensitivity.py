"""Experiment 2: does the ranking hang on how much accuracy counts?

    python examples/experiments/sensitivity.py [--models A,B,C] [--images 100] [--trials 3] [--out DIR]

Measures the models on this machine and ranks them by SAM with a = 1, 3, 5 and 7: a row for each a,
best first, with a * where the order is another than with a = 5:

    a = 1   levit_192.fb_dist_in1k > efficientvit_b1.r224_in1k > tiny_vit_5m_224.dist_in22k_ft_in1k *
    a = 3   …
"""

from __future__ import annotations

import sys

from measuring import NotMeasured, arguments, measured

from analyzer.sam import DEFAULT_A
from analyzer.scoring import Score, pooled, score_together

MODELS = "levit_192.fb_dist_in1k,efficientvit_b1.r224_in1k,tiny_vit_5m_224.dist_in22k_ft_in1k"
WEIGHTS = (1.0, 3.0, DEFAULT_A, 7.0)


def main() -> int:
    """Measures, and ranks four times."""
    asked = arguments(__doc__, MODELS).parse_args()
    try:
        results = measured(asked.models, asked)
    except NotMeasured as error:
        print(error, file=sys.stderr)
        return 1
    orders = {}
    for a in WEIGHTS:
        (scored,) = score_together([pooled(results, {})], Score(a=a))
        orders[a] = [configuration.key[0] for configuration in scored.configurations]
    for a, order in orders.items():
        print(f"a = {a:g}   {' > '.join(order)}{' *' if order != orders[DEFAULT_A] else ''}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
