"""Tokens that may do no more than their part needs, made at the server and kept in files."""

from __future__ import annotations

import os
from pathlib import Path

from telemetry.contract.errors import UserError
from telemetry.contract.secret import Secret
from telemetry.store.access import Access
from telemetry.store.influx.errors import who
from telemetry.store.influx.server import Server
from telemetry.store.influx.setup import find_bucket, org_id
from telemetry.store.steps import Outcome, Step, TokenFile


async def keep_token(server: Server, access: Access, wanted: TokenFile) -> Step:
    """A token in its file, made anew where the one that is there is none that the server takes.

    The buckets must be there. Raises `UserError` where this token may make no others, or the file cannot be
    written.
    """
    held = _read(wanted.path)
    if held and await _sees_buckets(server, access._replace(token=Secret(held))):
        return _step(wanted, "kept")
    _write(wanted.path, await _made(server, wanted))
    return _step(wanted, "changed" if held else "made")


async def _sees_buckets(server: Server, access: Access) -> bool:
    """Whether the server takes the token of `access`, and shows it every bucket."""
    try:
        other = Server(server.address, access)
        await other.open()
    except UserError:  # what is in the file is no token at all
        return False
    try:
        return all([await find_bucket(other, name) for name in server.address.buckets])
    except UserError:
        return False
    finally:
        await other.close()


async def _made(server: Server, wanted: TokenFile) -> str:
    org = await org_id(server)
    ids = [str(found["id"]) for name in server.address.buckets if (found := await find_bucket(server, name))]
    rights = [
        {"action": action, "resource": {"type": "buckets", "id": each, "orgID": org}}
        for each in ids
        for action in wanted.actions
    ]
    about = f"e3p: {' and '.join(wanted.actions)} {server.address.bucket}"
    asked = {"orgID": org, "description": about, "permissions": rights}
    try:
        made = await server.call("POST", "/api/v2/authorizations", asked)
    except UserError as error:
        right = "give the one that `influx setup` made, or an all-access token of this organisation"
        raise UserError(f"{who(server.address)}: this token may make no others; {right}") from error
    return str(made["token"])


def _read(path: Path) -> str:
    """What is in the file, which is made where it is missing: what is in the way shows before a token is."""
    try:
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600)) as file:
            return file.read().strip()
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or "no text is in it"
        raise UserError(f"{path}: no token can be kept there ({words})") from None


def _write(path: Path, token: str) -> None:
    """In place: a file that was there keeps its mode, for a reader who is another user."""
    try:
        path.write_text(token)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from None


def _step(wanted: TokenFile, outcome: Outcome) -> Step:
    words = f"may {' and '.join(wanted.actions)} these buckets, and nothing else"
    return Step(what="token", name=str(wanted.path), outcome=outcome, words=words)
