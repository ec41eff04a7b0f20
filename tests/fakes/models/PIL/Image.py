"""A picture is a text file with the number of the class that is on it; for Python 3.6 too."""

import contextlib
import io


class Picture:
    def __init__(self, number):
        self.number = number

    def convert(self, _):
        return self


@contextlib.contextmanager
def open(path):
    with io.open(path) as file:
        text = file.read()
    if not text.isdigit():
        raise OSError("cannot identify image file")
    yield Picture(int(text))
