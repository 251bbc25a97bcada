"""The runner's end of the stub: starts its process and speaks the command lines."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from types import TracebackType
from typing import Any, Self

from bench.contenders import end_with_parent
from bench.load import Load


class StubDied(RuntimeError):
    """The stub's process ended: its traceback stands on standard error."""


class Stub:
    """A context: the stub runs inside it. `address` is host and port."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.stub"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )
        self.address = f"127.0.0.1:{self._hear()['port']}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.communicate()

    @property
    def pid(self) -> int:
        return self._process.pid

    def has_sockets(self, sockets: int, *, timeout_s: float) -> bool:
        """Waits for so many open org sockets."""
        answer = self._ask({"do": "wait", "sockets": sockets, "timeout_s": timeout_s})
        return bool(answer["sockets"] == sockets)

    def play(self, load: Load) -> dict[str, float | None]:
        return self._ask({"do": "load", **dataclasses.asdict(load)})

    def _ask(self, command: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return self._hear()

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise StubDied(f"the stub ended with {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer
