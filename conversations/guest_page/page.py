"""One open page (or any other front end): its guest on one side, its socket on the other.

It speaks to the platform as a guest does, over the guest's socket; what only the simulator can do
goes through `platform`. Frames to the page: docs/simulator.md.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from itertools import count
from typing import Any

from conversations.genesys.events import (
    ChatConnected,
    ChatMessage,
    ChatRead,
    ChatRefused,
    ChatTyping,
    Malformed,
)
from conversations.genesys.exceptions import GuestRefused, UploadFailed
from conversations.genesys.guest import Connectivity, Guest, GuestEvent, Progressed, Shown
from conversations.genesys.outgoing import OutgoingMessage
from conversations.guest_page import actions
from conversations.guest_page.actions import Action, ActionRefused
from conversations.guest_page.script import play
from conversations.guest_page.uploads import Tools, UnknownUpload, metadata_of

logger = logging.getLogger(__name__)

Say = Callable[[Mapping[str, Any]], Coroutine[Any, Any, None]]
Progress = Callable[[str, int], Awaitable[Mapping[str, Any] | None]]

POLL_S = 0.4
MAX_UPLOADS = 4  # of one page at once
MAX_KEPT = 2_000  # own messages that can be named by their ref
ANONYMOUS = actions.ConnectAs("Anonymous", "guest@example.org", {})


async def _nobody(_frame: Mapping[str, Any]) -> None:
    return None


class GuestPage:
    """`act` on what the page asks, `close` when it goes. `owner`: the user's key, or None; `say`
    is set by whoever holds its socket."""

    def __init__(
        self, *, socket_url: str, tools: Tools, progress: Progress, owner: int | None
    ) -> None:
        self._socket_url = socket_url
        self._tools = tools
        self.say: Say = _nobody
        self._progress = progress
        self._owner = owner
        self._guest: Guest | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._mine: dict[str, OutgoingMessage] = {}
        self._faults: set[str] = set()
        self._player: asyncio.Task[None] | None = None
        self._uploading = 0
        self._places = count(1)
        self._looked_at: Any = None

    async def begin(self) -> None:
        """What the page can do here."""
        scripts = await self._tools.platform.scripts() if self._is_staff else None
        await self.say({"type": "ready", "staff": self._is_staff, "scripts": scripts})

    @property
    def _is_staff(self) -> bool:
        return self._owner is not None

    async def close(self) -> None:
        key = self._guest.conversation_id if self._guest else ""
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._guest is not None:
            await self._guest.close()
        for name in self._faults:  # a switch is on only while its page is open
            await self._tools.platform.set_fault(key, name, on=False)

    # What the page asks

    async def act(self, data: str) -> None:
        """Do what one frame of the page says; what is refused is answered at its field."""
        try:
            action = actions.parse(data)
            if isinstance(action, actions.STAFF_ONLY) and not self._is_staff:
                raise ActionRefused("action", "this is for users who are logged in")
            await self._do(action)
        except ActionRefused as refused:
            await self._refuse(refused.field, str(refused), refused.action, refused.ref)
        except GuestRefused as refused:
            ref = getattr(action, "ref", "")
            await self._refuse(refused.field, str(refused), type(action).__name__, ref)

    async def _refuse(self, field: str, message: str, action: str = "", ref: str = "") -> None:
        said = {"error": message, "field": field}
        if ref:
            said["ref"] = ref
        await self.say(said)

    async def _do(self, action: Action) -> None:
        if isinstance(action, actions.ConnectAs):
            await self._connect(action)
            return
        guest = self._guest or await self._connect(ANONYMOUS)
        match action:
            case actions.SendText():
                self._keep(await guest.send(action.text, ref=action.ref))
            case actions.SendAgain():
                if action.ref in self._mine:
                    guest.send_again(self._mine[action.ref])
            case actions.SetContext():
                await guest.set_context(action.data)  # type: ignore[arg-type]  # it is checked there
            case actions.UploadFile():
                self._begin_upload(guest, action)
            case actions.Type(side="guest"):
                await guest.typing(action.state)
            case actions.SetLine():
                (guest.go_online if action.online else guest.go_offline)()
            case actions.Play():
                await self._play(guest, action)
            case actions.StopPlaying():
                await self._stop_playing()
            case _:
                await self._do_on_platform(guest, action)

    async def _do_on_platform(self, guest: Guest, action: Action) -> None:
        platform, key = self._tools.platform, guest.conversation_id
        if not self._is_staff:
            raise ActionRefused("action", "this is for users who are logged in")
        if not key:
            raise ActionRefused("action", "wait until the guest is connected")
        match action:
            case actions.Reply():
                if not action.text.strip():
                    raise ActionRefused("reply", "write something")
                if not await platform.say_as_agent(key, action.text):
                    raise ActionRefused("reply", "the simulator does not answer: is it running?")
            case actions.Type():
                await platform.type_as_agent(key, action.state)
            case actions.Seen():
                await platform.read_as_agent(key)
            case actions.SetFault():
                await self._set_fault(guest, action)

    async def _set_fault(self, guest: Guest, action: actions.SetFault) -> None:
        key = guest.conversation_id
        if not await self._tools.platform.set_fault(key, action.name, on=action.on):
            raise ActionRefused("fault", "the simulator does not answer: is it running?")
        (self._faults.add if action.on else self._faults.discard)(action.name)
        await self.say({"type": "faults", "on": sorted(self._faults)})
        if (
            action.name == "outage"
            and not action.on
            and guest.state.state in ("waiting", "stopped")
        ):
            guest.go_offline()  # nobody wants to wait out the delay after mending it themselves
            guest.go_online()

    async def _connect(self, action: actions.ConnectAs) -> Guest:
        guest = Guest(
            name=action.name,
            email=action.email,
            socket_url=self._socket_url,
            metadata=action.metadata,
            session_id=action.session,
            uploads=self._tools.uploads,
        )
        if self._guest is not None:
            await self._stop_playing()
            await self._guest.close()
        self._guest, self._looked_at = guest, None
        guest.start()
        self._own(self._tell(guest), "guest-page-events")
        if self._is_staff:
            self._own(self._watch(guest), "guest-page-progress")
        return guest

    def _keep(self, message: OutgoingMessage) -> None:
        self._mine[message.ref] = message
        if len(self._mine) > MAX_KEPT:
            del self._mine[next(iter(self._mine))]

    # Files

    def _begin_upload(self, guest: Guest, action: actions.UploadFile) -> None:
        if self._uploading >= MAX_UPLOADS:
            raise ActionRefused("file", "wait until the other files are there", ref=action.ref)
        self._uploading += 1
        self._own(self._upload(guest, action), "guest-page-upload")

    async def _upload(self, guest: Guest, action: actions.UploadFile) -> None:
        def told(sent: int, size: int) -> None:
            frame = {"type": "upload", "ref": action.ref, "sent": sent, "size": size}
            self._own(self.say(frame), "guest-page-upload-progress")

        try:
            if action.content is not None:
                message = await guest.send_file(
                    action.filename, action.content, declared=action.content_type,
                    caption=action.caption, ref=action.ref, on_progress=told,
                )  # fmt: skip
            else:
                metadata = metadata_of(action.upload_id, owner=self._owner)
                message = await guest.send(action.caption, attachments=[metadata], ref=action.ref)
            self._keep(message)
        except (GuestRefused, UnknownUpload, UploadFailed) as problem:
            field = getattr(problem, "field", "file")
            await self._refuse(field, str(problem), "upload", action.ref)
        finally:
            self._uploading -= 1

    # Scripts

    async def _play(self, guest: Guest, action: actions.Play) -> None:
        await self._stop_playing()
        scripts = await self._tools.platform.scripts() or []
        script = next((one for one in scripts if one.get("name") == action.script), None)
        if script is None:
            raise ActionRefused("script", "there is no such script")
        work = play(
            script, guest=guest, platform=self._tools.platform, speed=action.speed,
            say=self.say, keep=self._keep,
        )  # fmt: skip
        self._player = self._own(work, "guest-page-player")

    async def _stop_playing(self) -> None:
        player, self._player = self._player, None
        if player is not None and not player.done():
            player.cancel()
            await asyncio.gather(player, return_exceptions=True)
            await self.say({"type": "playing", "script": None})

    def _own(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # What the page is told

    async def _tell(self, guest: Guest) -> None:
        async for event in guest.events():
            if guest is self._guest and (frame := self._frame(event, guest)) is not None:
                await self.say(frame)

    def _frame(self, event: GuestEvent, guest: Guest) -> dict[str, Any] | None:
        match event:
            case Shown():
                return self._shown(event)
            case Progressed(message=message):
                return {"type": "progressed", "ref": message.ref, "state": message.state,
                        "reason": message.reason, "waiting": guest.waiting}  # fmt: skip
            case Connectivity():
                return {"type": "state", "state": event.state, "attempts": event.attempts,
                        "reason": event.reason}  # fmt: skip
            case ChatConnected():
                return {"type": "connected", "conversationId": event.conversation_id,
                        "session": event.session_id}  # fmt: skip
            case ChatTyping():
                return {"type": "typing", "state": event.state}
            case ChatRead():
                return {"type": "read", "sequenceId": event.sequence_id}
            case ChatRefused():
                return {"error": f"the platform refused it: {event.reason}", "field": "text"}
            case Malformed():
                return {"type": "unreadable", "total": guest.malformed}
        return None

    def _shown(self, shown: Shown) -> dict[str, Any]:
        message = shown.message
        return {
            "type": "message",
            "key": message.sequence_id or f"place-{next(self._places)}",
            "sequenceId": message.sequence_id,
            "id": message.external_id,
            "sender": message.sender,
            "senderName": message.sender_name,
            "own": shown.own is not None,
            "ref": shown.own.ref if shown.own else None,
            "text": message.text,
            "sentAt": message.sent_at.isoformat() if message.sent_at else None,
            "attachments": _files(message),
            "before": shown.before.sequence_id if shown.before else None,
            "missing": shown.missing,
            "gapAfter": shown.gap_after,
        }

    async def _watch(self, guest: Guest) -> None:
        """Tells how far the console and the platform have come, whenever that has changed."""
        seq = -1
        while True:
            await asyncio.sleep(POLL_S)
            if guest is not self._guest:
                return
            if not guest.conversation_id:
                continue
            found = await self._progress(guest.conversation_id, seq)
            if found is not None:
                seq = found["seq"]
                await self.say({"type": "progress", **found})
            await self._look_at_platform(guest.conversation_id)

    async def _look_at_platform(self, key: str) -> None:
        seen = await self._tools.platform.conversation(key)
        if seen is None:
            return
        known = {"context": seen.get("context"), "attributes": seen.get("customAttributes")}
        if known != self._looked_at:
            self._looked_at = known
            await self.say({"type": "platform", **known})


def _files(message: ChatMessage) -> list[dict[str, Any]]:
    return [
        {
            "name": one.name,
            "content_type": one.content_type,
            "size": one.size,
            "url": one.url if one.url.startswith(("https://", "http://")) else None,
        }
        for one in message.attachments
    ]
