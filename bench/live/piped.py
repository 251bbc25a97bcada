"""A process of the bench that answers a JSON command a line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from bench.contenders import end_with_parent


class Failed(RuntimeError):
    """The process ended, or could not do what it was told: its own output says why."""


class Piped:
    """`with Piped("bench.live.viewers") as viewers: viewers.ask("open", …)`"""

    def __init__(
        self, module: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self._command = [sys.executable, "-m", module, *arguments]
        self._environment = dict(environment) if environment is not None else None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(  # noqa: S603 - modules of ours
            self._command,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.communicate()

    def ask(self, do: str, **values: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **values}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Failed(f"{self._command[2]} ended with {self._process.wait()}") from None
        line = self._process.stdout.readline()
        if not line:
            raise Failed(f"{self._command[2]} ended with {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Failed(f"{self._command[2]}: {answer['error']}")
        return answer
