"""One name for what must be equal where trials are compared."""

from __future__ import annotations

import pytest

from analyzer.circumstances import context_hash
from telemetry.contract.marks import Context, Protocol, TrialBegin

CONTEXT = Context(libraries={"torch": "2.4", "timm": "1.0"}, threads=4, temp_c={"cpu": 40.0}, load=0.1)


def opening(context: Context | None = CONTEXT, weights: str | None = None) -> TrialBegin:
    return TrialBegin(
        t=0,
        trial="t",
        model="m",
        dataset="d",
        batch_size=1,
        group="g",
        index=0,
        context=context,
        protocol=Protocol(weights=weights),
    )


def test_temperature_load_and_the_order_of_libraries_change_nothing() -> None:
    other = Context(libraries={"timm": "1.0", "torch": "2.4"}, threads=4, temp_c={"cpu": 70.0}, load=0.9)
    assert context_hash("h", opening()) == context_hash("h", opening(other))


@pytest.mark.parametrize(
    ("manifest", "changed"),
    [
        ("other", opening()),
        ("h", opening(Context(libraries={"torch": "2.5", "timm": "1.0"}, threads=4))),
        ("h", opening(Context(libraries={"torch": "2.4", "timm": "1.0"}, threads=2))),
        ("h", opening(weights="random")),
        ("h", opening(None)),
    ],
)
def test_another_device_library_thread_count_or_source_of_weights_is_another_context(
    manifest: str, changed: TrialBegin
) -> None:
    assert context_hash("h", opening()) != context_hash(manifest, changed)


def test_without_manifest_and_context_there_is_no_name() -> None:
    assert context_hash(None, opening(None)) is None


def test_the_hash_is_what_the_contract_says() -> None:
    import hashlib

    import msgspec

    told = ["h", [["timm", "1.0"], ["torch", "2.4"]], None, 4, None]
    assert context_hash("h", opening()) == hashlib.sha256(msgspec.msgpack.encode(told)).hexdigest()[:16]
