"""One set of weights is one file, whatever order its writer leaves to chance."""

from __future__ import annotations

import json

from edge_node.finetune_tuning import in_order

WEIGHTS = bytes(range(8))


def file_of(metadata: dict[str, str]) -> bytes:
    header = {"__metadata__": metadata, "w": {"dtype": "U8", "shape": [8], "data_offsets": [0, 8]}}
    told = json.dumps(header).encode()
    return len(told).to_bytes(8, "little") + told + WEIGHTS


def test_the_order_of_metadata_makes_no_other_file() -> None:
    one, other = file_of({"format": "pt", "e3p": "{}"}), file_of({"e3p": "{}", "format": "pt"})
    assert one != other
    assert in_order(one) == in_order(other)


def test_what_is_in_it_stays_and_is_aligned() -> None:
    file = in_order(file_of({"format": "pt", "e3p": '{"é": 1}'}))
    size = int.from_bytes(file[:8], "little")
    assert size % 8 == 0
    assert json.loads(file[8 : 8 + size])["__metadata__"] == {"format": "pt", "e3p": '{"é": 1}'}
    assert file[8 + size :] == WEIGHTS
