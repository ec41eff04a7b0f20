"""Tokens that `e3p store setup` keeps in files may do what their part needs, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from telemetry.contract.errors import UserError
from telemetry.contract.secret import Secret
from telemetry.store.access import Access
from telemetry.store.influx import Address, InfluxStore
from telemetry.store.steps import TokenFile
from tests.commands import e3p
from tests.contracts.store.builders import power
from tests.influx import bucket_of, fresh, influx_store
from tests.servers import Influx

pytestmark = pytest.mark.anyio


async def set_up(influx: Influx, bucket: str, *files: TokenFile) -> list[str]:
    """What became of each token's file."""
    store = influx_store(influx, bucket)
    await store.open()
    steps = await store.set_up(None, files)
    await store.close()
    return [step.outcome for step in steps if step.what == "token"]


def opened_with(influx: Influx, bucket: str, file: Path, **how: bool) -> InfluxStore:
    access = Access(token=Secret(file.read_text()))
    return InfluxStore(Address.parse(influx.store(bucket)), access, **how)


async def test_programs_read_and_write_with_theirs(influx: Influx, bucket: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    assert await set_up(influx, bucket, TokenFile(file, writes=True)) == ["made"]
    assert file.stat().st_mode & 0o777 == 0o600
    store = opened_with(influx, bucket, file)
    await store.open()
    await store.attend("a collector")
    await store.write([power(0)])
    assert len(await store.accounts()) == 1
    await store.close()


async def test_it_opens_no_other_store(influx: Influx, bucket: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    await set_up(influx, bucket, TokenFile(file, writes=True))
    with fresh(influx) as other:
        await set_up(influx, other)
        with pytest.raises(UserError, match="is missing"):
            await opened_with(influx, other, file).open()


async def test_a_reader_reads_and_does_not_write(influx: Influx, bucket: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    await set_up(influx, bucket, TokenFile(file, writes=False))
    reading = opened_with(influx, bucket, file, create=False)
    await reading.open()
    assert await reading.accounts() == []
    with pytest.raises(UserError, match="not accepted"):
        await reading.write([power(0)])
    await reading.close()


async def test_a_token_that_works_is_kept_and_another_is_replaced(
    influx: Influx, bucket: str, tmp_path: Path
) -> None:
    wanted = TokenFile(tmp_path / "token", writes=True)
    await set_up(influx, bucket, wanted)
    first = wanted.path.read_text()
    assert await set_up(influx, bucket, wanted) == ["kept"]
    assert wanted.path.read_text() == first
    wanted.path.write_text("of another server")
    assert await set_up(influx, bucket, wanted) == ["changed"]
    wanted.path.write_text("revoked")
    assert await set_up(influx, bucket, wanted) == ["changed"]


async def test_a_file_that_is_there_keeps_its_mode(influx: Influx, bucket: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.touch(0o644)
    assert await set_up(influx, bucket, TokenFile(file, writes=False)) == ["made"]
    assert file.stat().st_mode & 0o777 == 0o644


async def test_a_token_of_buckets_alone_makes_no_others(influx: Influx, bucket: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    await set_up(influx, bucket, TokenFile(file, writes=True))
    store = opened_with(influx, bucket, file)
    await store.open()
    with pytest.raises(UserError, match="this token "):
        await store.set_up(None, [TokenFile(tmp_path / "other", writes=False)])
    await store.close()


def test_a_file_that_cannot_be_made_is_named_before_a_token_is(
    influx: Influx, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("E3P_STORE_TOKEN", influx.token)
    made = len(influx.call("GET", "/api/v2/authorizations")["authorizations"])
    asked = ["store", "setup", "--store", influx.store(bucket), "--token-for-programs", tmp_path / "a" / "b"]
    said = e3p(*asked)
    assert said.status == 2
    assert f"{tmp_path / 'a' / 'b'}: no token can be kept there (No such file or directory)" in said.err
    assert bucket_of(influx, bucket)
    assert len(influx.call("GET", "/api/v2/authorizations")["authorizations"]) == made


def test_the_command_shows_no_token(
    influx: Influx, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("E3P_STORE_TOKEN", influx.token)
    said = e3p("store", "setup", "--store", influx.store(bucket), "--token-for-readers", tmp_path / "token")
    assert said.status == 0
    assert "may read these buckets, and nothing else" in said.out
    assert (tmp_path / "token").read_text() not in said.out + said.err
