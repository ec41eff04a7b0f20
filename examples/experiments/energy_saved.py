"""Experiment 1: how much energy does LeViT save against a plain ViT of the same accuracy, here?

    python examples/experiments/energy_saved.py [--models PLAIN,OTHER] [--images 100] [--trials 3]

Measures both in turn on this machine, server and agent included, and ends with one line of the shape

    levit_conv_192.fb_dist_in1k takes 61.2 % (58.9 to 63.4) less energy than vit_small_patch16_224.…

The paper has up to 53 % on a Jetson TX2. An interval that holds 0 means: the trials do not tell.
"""

from __future__ import annotations

import sys

import numpy as np
from measuring import NotMeasured, arguments, measured

from analyzer.scoring import Score, pooled, score_together

MODELS = "vit_small_patch16_224.augreg_in21k_ft_in1k,levit_conv_192.fb_dist_in1k"


def main() -> int:
    """Measures, and says what was saved."""
    parser = arguments(__doc__, MODELS)
    asked = parser.parse_args()
    if len(asked.models) != 2:
        parser.error("--models: two names of timm, the plain one first: A,B")
    plain, other = asked.models
    try:
        results = measured(asked.models, asked)
    except NotMeasured as error:
        print(error, file=sys.stderr)
        return 1
    pool = pooled(results, {})
    if len(pool.configurations) < 2:
        print(*(f"{each.model}: {each.reason}" for each in pool.refused), sep="\n", file=sys.stderr)
        return 1
    (scored,) = score_together([pool], Score())
    rows = [configuration.key[0] for configuration in scored.configurations]
    # Both were drawn together: what the sensor gets wrong for both alike cancels in the difference.
    logs = scored.log_energies[rows.index(other)] - scored.log_energies[rows.index(plain)]
    most, middle, least = (
        100 * (1 - np.exp(quantile)) for quantile in np.quantile(logs, (0.025, 0.5, 0.975))
    )
    print(f"{other} takes {middle:.1f} % ({least:.1f} to {most:.1f}) less energy than {plain}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
