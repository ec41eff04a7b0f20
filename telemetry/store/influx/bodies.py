"""Lines that no frame is to blame for: in one body, or in as many as a server or its proxy takes."""

from __future__ import annotations

from collections.abc import Sequence

from telemetry.contract.errors import UserError
from telemetry.store.influx.errors import BodyTooLarge, LinesRefused, who
from telemetry.store.influx.server import Server


async def write_lines(server: Server, bucket: str, lines: Sequence[bytes], what: str) -> None:
    """Writes lines, in their order; halves that were written before a later one failed may be written again.

    Raises `UserError` where the server refuses one of them, which are `what`.
    """
    try:
        await _halved(server, bucket, lines)
    except BodyTooLarge as error:
        words = f"{what} of {max(map(len, lines)):,} bytes is too large ({error})"
        right = "let the proxy before InfluxDB take larger bodies"
        raise UserError(f"{who(server.address)}: bucket {bucket!r}: {words}; {right}") from None
    except LinesRefused as error:
        words = f"{who(server.address)}: bucket {bucket!r} refuses {what} ({error})"
        raise UserError(f"{words}; does another program write into it?") from None


async def _halved(server: Server, bucket: str, lines: Sequence[bytes]) -> None:
    try:
        await server.write(bucket, b"".join(lines))
    except BodyTooLarge:
        half = len(lines) // 2
        if not half:
            raise
        await _halved(server, bucket, lines[:half])
        await _halved(server, bucket, lines[half:])
