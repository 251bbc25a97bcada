"""`assist`: a call's transcription as it comes, its audit as JSON lines on standard output."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from assist.exports import audit_records, failure_record
from assist.models import Chunk, KnowledgeFailure
from assist.models.watch import want
from assist.services.recording import open_call
from assist.snapshots import stream_of
from conversations.models import Conversation

LOOK_S = 0.5
WANT_EVERY_S = 20.0
PAGE = 500


class Command(BaseCommand):
    help = (
        "Transcribe a call and print its audit, one JSON object a line, until it ends. "
        "A gateway must be running; what was heard before is printed first."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("interaction_id", metavar="INTERACTION_ID")
        parser.add_argument("--agent", default="", help="the Genesys agent whose call it is")
        parser.add_argument("--seconds", type=float, help="stop after so long")

    def handle(self, *args: Any, **options: Any) -> None:
        call = self._call(options["interaction_id"], agent=options["agent"])
        began = time.monotonic()
        until = began + options["seconds"] if options["seconds"] else float("inf")
        try:
            self._follow(call, until=until)
        except KeyboardInterrupt:
            self.stderr.write("stopped; the call is transcribed for a minute more")
        except BrokenPipeError:
            raise CommandError("Standard output was closed before the end.") from None

    def _call(self, interaction_id: str, *, agent: str) -> Conversation:
        if not interaction_id.strip() or len(interaction_id) > 200:
            raise CommandError("INTERACTION_ID: 1 to 200 characters.")
        call = open_call(interaction_id, now=timezone.now())
        if call.channel != Conversation.Channel.VOICE:
            raise CommandError(f"{interaction_id} is a conversation in writing, not a call.")
        if agent:
            Conversation.objects.filter(pk=call.pk).update(agent_id=agent)
        return call

    def _follow(self, call: Conversation, *, until: float) -> None:
        last_chunk = last_failure = 0
        wanted_at, said = float("-inf"), ""
        while True:
            # Read first: what was stored before the end is printed before it is said.
            call.refresh_from_db(fields=["state"])
            is_over = call.state == Conversation.State.CLOSED
            if not is_over and time.monotonic() - wanted_at >= WANT_EVERY_S:
                want(call.external_id, now=timezone.now())
                wanted_at = time.monotonic()
            for chunks in _chunks(call, after=last_chunk):
                for record in audit_records(chunks):
                    self._print(record)
                last_chunk = chunks[-1].pk
            failures = KnowledgeFailure.objects.filter(conversation=call, pk__gt=last_failure)
            for failure in failures.order_by("pk"):
                self._print(failure_record(failure))
                last_failure = failure.pk
            said = self._tell(call, said)
            if is_over:
                self.stderr.write("the call has ended")
                return
            if time.monotonic() >= until:
                return
            time.sleep(LOOK_S)

    def _tell(self, call: Conversation, said: str) -> str:
        """How the stream is, when that has changed."""
        stream = stream_of(call.external_id)
        words = f"{stream['state']}{': ' if stream['reason'] else ''}{stream['reason']}"
        if words != said:
            self.stderr.write(words)
        return words

    def _print(self, record: Any) -> None:
        self.stdout.write(json.dumps(record, ensure_ascii=False))
        self.stdout.flush()


def _chunks(call: Conversation, *, after: int) -> Iterator[list[Chunk]]:
    while found := list(
        Chunk.objects.filter(conversation=call, pk__gt=after)
        .select_related("conversation")
        .order_by("pk")[:PAGE]
    ):
        yield found
        after = found[-1].pk
