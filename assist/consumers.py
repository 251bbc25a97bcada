"""The assist page's socket: the live pages' adapter, with the calls' tailer behind it."""

from __future__ import annotations

from typing import ClassVar

from assist import admission
from assist.tailer import assist_tailer
from conversations.live.consumers import ConversationConsumer, LiveConsumer
from conversations.live.rights import Admission
from conversations.live.tailer import Tailer


class AssistConsumer(ConversationConsumer):
    """`ws/assist/<interaction>/?after=<seq>`"""

    action: ClassVar = admission.ACTION
    _numbers: ClassVar = LiveConsumer._numbers  # nobody types in a call

    def _tailer(self) -> Tailer:
        return assist_tailer()

    def _admission(self, user_id: int, external_id: str | None) -> Admission:
        return admission.admit(user_id, external_id)
