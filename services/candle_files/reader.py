"""Reads the content of files that clients send, one at a time, each by a process that ends with it."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path

from loguru import logger
from pydantic import ValidationError

from config.sources import ENVIRONMENT_NAMES
from domain.errors import NotReady, UnreadableCandles
from domain.market import Timeframe
from domain.values import epoch_ms
from services.candle_files.messages import FoundCandles, ReadRequest, Reply
from utils.clock import Clock

ROOT = Path(__file__).resolve().parents[2]
MAX_CANDLES = 20_000
# Of a file that is packed; a file of this size has a million candles.
MAX_UNPACKED_BYTES = 64 * 2**20
MAX_MEMORY_BYTES = 4 * 2**30
READING_SECONDS = 30.0
# Files that are read at a time; others wait, and those beyond that are refused.
AT_A_TIME, MAX_WAITING = 1, 8


class CandleFileReader:
    """Gives the candles of a file's content.

    The libraries of Parquet and Feather check little: what is damaged within may end the process that reads, and a
    hostile file may take any time and memory. So neither happens to the service.
    """

    def __init__(self, clock: Clock) -> None:
        """Keep the clock, which says which candles can exist."""
        self._clock = clock
        self._turns = asyncio.Semaphore(AT_A_TIME)
        self._waiting = 0

    async def read(
        self, content: bytes, name: str, symbol: str | None, timeframe: Timeframe | None, newest: int
    ) -> FoundCandles:
        """Return what the content holds.

        Args:
            content: Of a file of any kind that docs/files.md names.
            name: Of the file, a hint of its market; empty where there is none.
            symbol: The market to read where there are several.
            timeframe: The timeframe to read where there are several.
            newest: Most candles to return, the newest; at most `MAX_CANDLES`.

        Raises:
            UnreadableCandles: it is no table of candles, or takes too long or too much memory to be read.
            NotReady: many files wait already, or no process can be started.
        """
        request = ReadRequest(
            name=name,
            now_ms=epoch_ms(self._clock.now()),
            symbol=symbol,
            timeframe=timeframe,
            newest=newest,
            max_unpacked_bytes=MAX_UNPACKED_BYTES,
            max_memory_bytes=MAX_MEMORY_BYTES,
        )
        if self._waiting >= MAX_WAITING:
            raise NotReady(f"{MAX_WAITING} files wait to be read already; send it again in a minute")
        self._waiting += 1
        try:
            async with self._turns:
                reply = await _ask(request.model_dump_json().encode() + b"\n" + content)
        finally:
            self._waiting -= 1
        if reply.found is None:
            raise UnreadableCandles(reply.refusal or "the file cannot be read: save it as CSV")
        return reply.found


async def _ask(request: bytes) -> Reply:
    """Return what a process of its own replies; it is gone when this returns or is cancelled."""
    process = await _start()
    try:
        async with asyncio.timeout(READING_SECONDS):
            written, complaint = await process.communicate(request)
        return Reply.model_validate_json(written)
    except TimeoutError:
        raise UnreadableCandles(
            f"the file takes longer than {READING_SECONDS:g} s to be read: split it, or save it as CSV"
        ) from None
    except ValidationError:
        tail = complaint[-2000:].decode(errors="replace")
        logger.bind(status=process.returncode, stderr=tail).warning("the reader of a file has died")
        raise UnreadableCandles("the file is damaged: it ended the process that read it; write it again") from None
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _start() -> Process:
    # Without the settings of the service, among which are its secrets.
    inherited = {name: at for name, at in os.environ.items() if name not in ENVIRONMENT_NAMES and "__" not in name}
    try:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.candle_files.process"),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            cwd=ROOT,
            env=inherited,
            start_new_session=True,
        )
    except OSError as error:  # no file descriptor, process or memory is left
        raise NotReady(f"no process can be started to read the file: {error.strerror}") from error
