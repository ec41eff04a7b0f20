"""Encoding and decoding one frame of 250 samples × 4 channels."""

from __future__ import annotations

import msgspec

from benchmarks import made
from benchmarks.harness import Effort, Figure, alternate, compare, often, per_item, sizes
from telemetry.contract.decode import receive
from telemetry.contract.encode import Encoding, encode

TITLE = (
    "One frame of 250 samples × 4 channels. Ours is checked in full when it is decoded (limits, times "
    "that rise, a digest of the body); the samples' JSON is read into typed values by the same fast "
    "library."
)
NAMES = (
    "codec.encode",
    "codec.decode",
    "codec.bytes",
    "codec.encode_json",
    "codec.decode_json",
    "codec.bytes_json",
)
AGAINST = "a JSON message per sample"
TOPIC = "e3p/v1/bench/power/main"


def run(effort: Effort) -> list[Figure]:
    """Both encodings of the contract, each against one JSON message for each sample."""
    return [*_encoding("msgpack", "", effort), *_encoding("json", "_json", effort)]


def _encoding(encoding: Encoding, suffix: str, effort: Effort) -> list[Figure]:
    frame, repeats = made.power(7), effort.pick(100, 3)
    samples = made.samples_of(frame)
    whole, single = encode(frame, encoding), [msgspec.json.encode(sample) for sample in samples]
    decoder = msgspec.json.Decoder(made.Sample)
    words = "MessagePack" if encoding == "msgpack" else "our JSON"
    encoded = alternate(
        often(lambda: encode(frame, encoding), repeats),
        often(lambda: [msgspec.json.encode(sample) for sample in samples], repeats),
        rounds=effort.rounds,
    )
    decoded = alternate(
        often(lambda: receive(TOPIC, whole), repeats),
        often(lambda: [decoder.decode(each) for each in single], repeats),
        rounds=effort.rounds,
    )
    unit = per_item(repeats)
    ours, theirs = len(whole) / made.SAMPLES, sum(map(len, single)) / made.SAMPLES
    return [
        compare(f"codec.encode{suffix}", f"encode, {words}", unit, encoded, AGAINST),
        compare(f"codec.decode{suffix}", f"decode and judge, {words}", unit, decoded, AGAINST),
        sizes(f"codec.bytes{suffix}", f"payload of a sample, {words}", "bytes", ours, theirs, AGAINST),
    ]
