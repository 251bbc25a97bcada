"""Which scopes each call needs, so that a 403 can name what is missing (protocol, OAuth)."""

from __future__ import annotations

SCOPES_BY_CALL: dict[str, tuple[str, ...]] = {
    "inject": ("webchat:send", "conversation:write"),
    "attributes": ("webchat:send", "conversation:write"),
    "org socket": ("webchat:read",),
    "history": ("webchat:read",),  # D: the page names none for reading; the socket's applies
    "context": ("webchat:write", "conversation:webchat:write"),
    "upload": ("webchat:attachment:write", "webchat:write"),
    "transcript socket": ("view:conversation",),
    "transcription socket": ("analytics:conversation:read",),
    "typing socket": ("webmessaging:send", "webmessaging:read"),
    "analytics": ("analytics:read",),
}
