"""As much of torch as `edge_node/runner.py` touches, for interpreters that have none (3.6 too).

A tensor is a list with one number for each image: the class that the fake models see in it.
"""

import contextlib
import os
import random
import time

__version__ = "0.fake"
float32, float16, bfloat16 = "float32", "float16", "bfloat16"


class Tensor(list):
    def to(self, *wanted):
        if "float16" in wanted and "FAKE_NO_HALF" in os.environ:
            raise RuntimeError('"addmm" not implemented for Half')
        return self

    def __getitem__(self, at):
        found = list.__getitem__(self, at)
        return Tensor(found) if isinstance(at, slice) else found

    def split(self, size):
        return [Tensor(self[start : start + size]) for start in range(0, len(self), size)]

    def matmul(self, _):
        return self

    def argmax(self, _):
        return self

    def tolist(self):
        return list(self)


class Generator:
    def manual_seed(self, seed):
        return random.Random(seed)


def randn(shape, generator):
    return Tensor(generator.randrange(2) for _ in range(shape[0]))


def ones(*_):
    return Tensor([1])


class nn:
    class functional:
        @staticmethod
        def conv2d(pixels, _):
            return pixels


def empty(shape):
    return Tensor([0] * shape[0])


def manual_seed(_):
    pass


def set_num_threads(_):
    pass


def get_num_threads():
    return 2


@contextlib.contextmanager
def autocast(device, dtype):
    if "FAKE_NO_HALF" in os.environ:
        raise RuntimeError("no autocast here")
    yield


@contextlib.contextmanager
def no_grad():
    yield


class cuda:
    @staticmethod
    def is_available():
        return "FAKE_CUDA" in os.environ

    @staticmethod
    def get_device_name(_):
        return "Fake GPU"

    @staticmethod
    def get_device_capability():
        return (6, 2)

    @staticmethod
    def synchronize():
        time.sleep(0.005)

    @staticmethod
    def empty_cache():
        pass
