"""Talks by lines with a process that a benchmark started."""

from __future__ import annotations

from anyio.abc import Process
from anyio.streams.text import TextReceiveStream


async def line_of(process: Process) -> str:
    """The next line that it prints."""
    assert process.stdout is not None
    text = ""
    async for part in TextReceiveStream(process.stdout):
        text += part
        if text.endswith("\n"):
            return text.strip()
    raise RuntimeError("the process ended")


async def tell(process: Process) -> None:
    """An empty line, which it waits for."""
    assert process.stdin is not None
    await process.stdin.send(b"\n")
