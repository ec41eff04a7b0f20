"""The store of a service: one that is not there yet is waited for, so that any order of starting will do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from e3p.settings import Settings
from telemetry.runtime import logs
from telemetry.runtime.retry import Retry
from telemetry.store.interface import Store, StoreUnavailable

log = logs.get("store")


@asynccontextmanager
async def waited_for(settings: Settings) -> AsyncIterator[Store]:
    """The store, made where it is missing, open for the length of the block. Raises `UserError`."""
    store, retry, failures = settings.store(), Retry(), 0
    while True:
        try:
            await store.open()
            break
        except StoreUnavailable as error:
            if failures == 0:
                log.warning("store unavailable, waiting", why=error)
            await retry.sleep(max(retry.wait_s(failures), error.retry_after_s or 0.0))
            failures += 1
    if failures:
        log.info("store available", tries=failures + 1)
    try:
        yield store
    finally:
        await store.close()
