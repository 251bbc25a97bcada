"""A web-chat guest on a terminal: what is typed is said, what is said is printed.

Lines of the chat go to `out`, talk to `err`. How it ended is the exit code.
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any

from django.utils import timezone

from conversations.genesys.attachments import MAX_BYTES
from conversations.genesys.events import (
    ChatConnected,
    ChatMessage,
    ChatRead,
    ChatRefused,
    ChatTyping,
    Malformed,
    MessageCopied,
)
from conversations.genesys.exceptions import GuestRefused, UploadFailed
from conversations.genesys.guest import Connectivity, Guest, GuestEvent, Progressed, Shown
from conversations.genesys.uploads import Uploads
from conversations.terminal import Lines

Write = Callable[[str], None]

COMMANDS = """\
/file PATH [CAPTION]   send a picture or a PDF
/context JSON          set the context of the page
/offline, /online      leave the network, and come back
/quit                  end the chat (as does the end of the input)
//TEXT                 say a text that begins with /"""
CONFIRM_S = 20.0  # at the end of the input: for what was said to be seen in the chat
_SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143}


class Exit(IntEnum):
    ENDED = 0
    NOT_SAID = 1
    INTERRUPTED = 130
    PIPE_CLOSED = 141
    TERMINATED = 143


@dataclass(frozen=True, slots=True)
class Wish:
    """`wait_s`: how long to stay after the input has ended; `echoes`: what is typed is printed."""

    name: str
    email: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    session_id: str = ""
    wait_s: float = 0.0
    echoes: bool = True
    verbose: bool = False


class Chat:
    def __init__(
        self,
        wish: Wish,
        *,
        socket_url: str,
        uploads: Uploads,
        typed: AsyncIterator[str],
        lines: Lines,
        out: Write,
        err: Write,
    ) -> None:
        """Raises GuestRefused: the name or the e-mail is not one."""
        self._wish = wish
        self._typed = typed
        self._lines = lines
        self._out = out
        self._err = err
        self._exit: int | None = None
        self._ended = asyncio.Event()
        self._changed = asyncio.Event()
        self._agent_types = False
        self._failed = 0  # said, and not arrived
        self._unseen: set[str] = set()  # refs on their way
        self._guest = Guest(
            name=wish.name,
            email=wish.email,
            socket_url=socket_url,
            metadata=wish.metadata,
            session_id=wish.session_id,
            uploads=uploads,
        )

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for number, code in _SIGNALS.items():
            loop.add_signal_handler(number, self._end, code)
        self._guest.start()
        tasks = [
            asyncio.create_task(self._tell(), name="guest-lines"),
            asyncio.create_task(self._listen(), name="guest-input"),
        ]
        try:
            await self._ended.wait()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._guest.close()
            for number in _SIGNALS:
                loop.remove_signal_handler(number)
        if self._exit:
            return self._exit
        return self._verdict()

    def _end(self, code: int | None = None) -> None:
        self._exit = code if self._exit is None else self._exit
        self._ended.set()

    def _verdict(self) -> int:
        left = len(self._unseen)
        if left:
            self._err(f"{left} of your messages {'is' if left == 1 else 'are'} not in the chat.")
        return Exit.NOT_SAID if left or self._failed else Exit.ENDED

    # What is typed

    async def _listen(self) -> None:
        try:
            async for line in self._typed:
                if line == "/quit":
                    break
                await self._do(line)
            await self._await_confirmations()
            await asyncio.sleep(self._wish.wait_s)
        finally:
            self._end()

    async def _do(self, line: str) -> None:
        try:
            if line.startswith("/") and not line.startswith("//"):
                await self._obey(*line[1:].split(maxsplit=1))
            elif line.strip():
                self._expect(await self._guest.send(line.removeprefix("/")))
        except GuestRefused as refused:
            self._failed += 1
            self._err(f"Not sent: {refused}")

    def _expect(self, message: Any) -> None:
        if message.state in ("queued", "sent"):
            self._unseen.add(message.ref)

    async def _obey(self, command: str = "", rest: str = "") -> None:
        match command:
            case "file" if rest:
                await self._send_file(*_path_and_caption(rest))
            case "context":
                await self._guest.set_context(_object(rest))
            case "offline":
                self._guest.go_offline()
            case "online":
                self._guest.go_online()
            case _:
                self._err(f"No such command.\n{COMMANDS}")

    async def _send_file(self, path: Path, caption: str) -> None:
        try:
            content = await asyncio.to_thread(_content_of, path)
            self._expect(await self._guest.send_file(path.name, content, caption=caption))
        except OSError as problem:
            self._failed += 1
            self._err(f"Not sent: {path}: {problem.strerror or problem}")
        except UploadFailed as problem:
            self._failed += 1
            self._err(f"Not sent, try again: {problem}")

    async def _await_confirmations(self) -> None:
        try:
            async with asyncio.timeout(CONFIRM_S):
                while self._unseen and self._guest.state.state != "stopped":
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return  # the verdict says what is missing

    # What happens

    async def _tell(self) -> None:
        async for event in self._guest.events():
            self._on(event)
            self._changed.set()

    def _on(self, event: GuestEvent) -> None:
        match event:
            case Shown():
                self._on_shown(event)
            case Progressed():
                self._on_progress(event)
            case Connectivity():
                self._on_state(event)
            case ChatConnected() if event.session_id:
                self._note(f"Conversation {event.conversation_id}, session {event.session_id}.")
            case ChatRefused():
                self._err(f"The platform refused it: {event.reason}")
            case ChatTyping():
                if event.state == "active" and not self._agent_types:  # said again while it lasts
                    self._note("The agent is typing …")
                self._agent_types = event.state == "active"
            case ChatRead():
                self._note(f"Read up to {event.sequence_id}.")
            case Malformed():
                self._note(f"Left out a frame: {event.reason}.")

    def _on_shown(self, shown: Shown) -> None:
        if shown.message.sender == "agent":
            self._agent_types = False
        if shown.missing:
            self._err(f"… {shown.missing} missing here …")
        if shown.before is not None:
            self._err("A late one, from before the last:")
        if shown.own is None or self._wish.echoes:
            self._print(self._lines.message(_line_of(shown.message, self._wish.name)))

    def _on_progress(self, progressed: Progressed) -> None:
        message = progressed.message
        if message.state in ("confirmed", "refused", "unconfirmed"):
            self._unseen.discard(message.ref)
        if message.state in ("refused", "unconfirmed"):
            self._failed += 1
            word = "Not sent" if message.state == "refused" else "Perhaps not sent"
            self._err(f"{word}: {message.reason}")

    def _on_state(self, now: Connectivity) -> None:
        match now.state:
            case "live":
                self._err(f"Connected as {self._wish.name}.")
            case "waiting":
                self._err(f"Try {now.attempts}: {now.reason}. Trying again.")
            case "offline":
                self._err("Offline: what you write waits.")
            case "stopped":
                self._err(f"Not connected: {now.reason}. /online tries again.")
                if not self._wish.echoes:
                    return  # somebody sits there
                self._failed += 1
                self._end()

    def _print(self, line: str) -> None:
        try:
            self._out(line)
        except BrokenPipeError:
            self._end(Exit.PIPE_CLOSED)

    def _note(self, words: str) -> None:
        if self._wish.verbose:
            self._err(words)


def _line_of(message: ChatMessage, guest_name: str) -> MessageCopied:
    name = message.sender_name or (guest_name if message.sender == "guest" else "")
    return MessageCopied(
        "",
        message.external_id,
        message.sender,
        "",
        name,
        message.text,
        message.sent_at or timezone.now(),
        attachments=message.attachments,
    )


def _path_and_caption(text: str) -> tuple[Path, str]:
    """A path with spaces stands in quotes."""
    quote = text[0] if text[0] in "'\"" and text[0] in text[1:] else ""
    path, _, caption = text.removeprefix(quote).partition(quote or " ")
    return Path(path).expanduser(), caption.strip()


def _object(text: str) -> Any:
    """What is no JSON is refused in the words of what is no object."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _content_of(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(MAX_BYTES + 1)
