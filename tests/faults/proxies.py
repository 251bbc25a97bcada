"""Chaos proxies in a process of their own, commanded over its standard input: a JSON line each.

A process, because a proxy that shared the harness's interpreter would stall with it.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from tests.faults.chaos_proxy import ChaosProxy
from tests.processes import ROOT


class Proxies:
    """`with Proxies({"redis": 6379}) as proxies:`; `port` of a name, `set`, `drop`, `fired`."""

    def __init__(self, targets: Mapping[str, int]) -> None:
        self._targets = dict(targets)
        self._lock = threading.Lock()
        self._ports: dict[str, int] = {}

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.proxies"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._ports = {
            name: self._ask({"do": "open", "name": name, "target": target})
            for name, target in self._targets.items()
        }
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()  # it ends with its input
        self._process.wait(10)

    def port(self, name: str) -> int:
        return self._ports[name]

    def set(self, name: str, mode: str, **values: float) -> None:
        self._ask({"do": "mode", "name": name, "mode": mode, "values": values})

    def drop(self, name: str) -> int:
        """Reset what is open through this proxy; how many connections that were."""
        return int(self._ask({"do": "drop", "name": name}))

    def fired(self) -> dict[str, dict[str, int]]:
        """By proxy: which mode hurt how many connections."""
        return dict(self._ask({"do": "fired"}))

    def _ask(self, command: dict[str, Any]) -> Any:
        with self._lock:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
            self._process.stdin.flush()
            answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["answer"]


class _Commands:
    def __init__(self) -> None:
        self._proxies: dict[str, ChaosProxy] = {}

    async def obey(self, command: dict[str, Any]) -> Any:
        what = command["do"]
        if what == "open":
            proxy = self._proxies[command["name"]] = ChaosProxy(command["target"])
            await proxy.start()
            return proxy.port
        if what == "mode":
            await self._proxies[command["name"]].set_mode(command["mode"], **command["values"])
            return None
        if what == "drop":
            return self._proxies[command["name"]].drop()
        return {name: dict(proxy.fired) for name, proxy in self._proxies.items()}


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    commands = _Commands()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        try:
            answer = {"answer": await commands.obey(json.loads(line))}
        except (KeyError, TypeError, ValueError, OSError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def main() -> None:
    import uvloop

    uvloop.run(_serve())


if __name__ == "__main__":
    main()
