"""A model of one's own, made known to timm: `e3p trial --model pocket_net --module pocket_net.py`.

Any `torch.nn.Module` will do. It takes images, batch x 3 x 224 x 224 unless its `default_cfg` tells another
size, and gives a number for each of a thousand classes.
"""

from __future__ import annotations

from timm.models import register_model
from torch import nn


@register_model
def pocket_net(pretrained: bool = False, **_: object) -> nn.Module:  # noqa: FBT001, FBT002 - as timm calls it
    """Four convolutions and a head; there are no pretrained weights."""
    if pretrained:
        raise RuntimeError("pocket_net has no pretrained weights")
    layers: list[nn.Module] = []
    for width, more in ((3, 16), (16, 32), (32, 64), (64, 128)):
        layers += [nn.Conv2d(width, more, 3, stride=2, padding=1), nn.BatchNorm2d(more), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 1000))
