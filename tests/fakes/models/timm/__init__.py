"""A model zoo of five, each of which is one case of `edge_node/runner.py`; for Python 3.6 too."""

import os

__version__ = "0.fake"
OFFLINE = os.environ.get("HF_HUB_OFFLINE")  # its client of the hub reads this when it is loaded
NAMES = ["tiny_one", "tiny_two", "tiny_offline", "tiny_unpublished", "tiny_huge"]


class Model:
    num_classes = 2

    def __init__(self, name, pretrained):
        if pretrained and name == "tiny_offline":
            raise (
                RuntimeError("offline is %s" % OFFLINE) if "FAKE_HUB" in os.environ else OSError("no network")
            )
        self.name = name
        self.default_cfg = {"url": "" if name == "tiny_unpublished" else "https://example.org/weights"}

    def eval(self):
        return self

    def to(self, *_):
        return self

    def __call__(self, batch):
        if self.name == "tiny_huge":
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        return batch


def list_models():
    return NAMES


def is_model(name):
    return name in NAMES


def create_model(name, pretrained=False):
    return Model(name, pretrained)
