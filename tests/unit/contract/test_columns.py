from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.contract.columns import Code, pack, pack_bits, rises, unpack, unpack_bits

DTYPES: dict[Code, str] = {"i": "<i4", "q": "<i8", "f": "<f4", "d": "<f8"}


@pytest.mark.parametrize("code", DTYPES)
def test_a_column_is_what_numpy_reads_little_endian(code: Code) -> None:
    assert np.frombuffer(pack(code, [1, -2, 300]), DTYPES[code]).tolist() == [1, -2, 300]


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_an_int64_column_is_unpacked_as_it_was_packed(numbers: list[int]) -> None:
    assert unpack("q", pack("q", numbers)).tolist() == numbers


@given(st.lists(st.integers(0, 1)))
def test_bits_are_unpacked_as_they_were_packed(bits: list[int]) -> None:
    assert unpack_bits(pack_bits(bits), len(bits)) == bits


def test_the_first_bit_is_the_least_significant_one() -> None:
    assert pack_bits([1, 0, 0, 0, 0, 0, 0, 0, 1]) == b"\x01\x01"


@given(st.lists(st.integers(0, 20)))
def test_numbers_rise_when_they_are_sorted_without_repeats(numbers: list[int]) -> None:
    assert rises(numbers) == (numbers == sorted(set(numbers)))


def test_a_column_of_broken_length_is_refused() -> None:
    with pytest.raises(ValueError, match="size"):
        unpack("q", b"123")
