"""Rough translation by Apertium's command line, where it is installed; never waits for long."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections import OrderedDict

TIME_LIMIT_S = 3.0
SIDE_BY_SIDE = 2
REMEMBERED = 2_000

THREE_LETTERS = {"es": "spa", "en": "eng", "fr": "fra", "pt": "por", "ca": "cat", "it": "ita",
                 "de": "deu"}  # fmt: skip


class Apertium:
    """`translate` answers None where the command, the pair or the time is missing."""

    def __init__(self, *, enabled: bool = True, command: str = "apertium") -> None:
        self._command = shutil.which(command) if enabled else None
        self._pairs: frozenset[str] | None = None
        self._slots = asyncio.Semaphore(SIDE_BY_SIDE)
        self._memory: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def translate(self, text: str, *, source: str, target: str) -> str | None:
        if self._command is None:
            return None
        if self._pairs is None:
            self._pairs = frozenset((await self._run("-l") or "").split())
        pair = self._pair(source, target)
        if pair is None:
            return None
        if (pair, text) in self._memory:
            return self._memory[(pair, text)]
        result = (await self._run("-u", pair, text=text) or "").strip()
        if not result:
            return None
        self._memory[(pair, text)] = result
        if len(self._memory) > REMEMBERED:
            self._memory.popitem(last=False)
        return result

    def _pair(self, source: str, target: str) -> str | None:
        long = f"{THREE_LETTERS.get(source, source)}-{THREE_LETTERS.get(target, target)}"
        for pair in (long, f"{source}-{target}"):
            if self._pairs and pair in self._pairs:
                return pair
        return None

    async def _run(self, *arguments: str, text: str = "") -> str | None:
        command = self._command
        if command is None:
            return None
        async with self._slots:
            process = await asyncio.create_subprocess_exec(
                command,
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
            try:
                async with asyncio.timeout(TIME_LIMIT_S):
                    output, _ = await process.communicate(text.encode())
            except TimeoutError:
                return None
            finally:
                if process.returncode is None:
                    with contextlib.suppress(ProcessLookupError):
                        process.kill()
                    await process.wait()
        return output.decode(errors="replace") if process.returncode == 0 else None
