"""`erase_guest`: everything that a guest said and was told, and their name; the proof stays."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from conversations.models import Erasure
from conversations.services.guest_erasure import (
    ErasureRefused,
    extent_of,
    request_erasure,
    run_erasure,
)
from conversations.services.people import console_actor


class Command(BaseCommand):
    help = (
        "Erase a guest: texts, names, files, extracts and export files, for good. The journal "
        "keeps that it was done, when, by whom and why, and still verifies."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("guest_id", metavar="GUEST_ID", help="the platform's id of the guest")
        parser.add_argument(
            "--reason",
            required=True,
            metavar="TEXT",
            help="kept in the journal for ever: without the guest's name",
        )
        parser.add_argument(
            "--conversation",
            action="append",
            default=[],
            metavar="ID",
            help="a further one of theirs that names no guest, such as a call; may be repeated",
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what it would erase")

    def handle(self, *args: Any, **options: Any) -> None:
        guest_id, named = options["guest_id"], options["conversation"]
        if options["dry_run"]:
            extent = extent_of(guest_id, named)
            self.stdout.write(
                f"would erase {extent.messages} messages of {extent.conversations} conversations, "
                f"{extent.open} of them open"
            )
            return
        try:
            erasure = request_erasure(
                guest_id, reason=options["reason"], actor=console_actor(), named=named
            )
        except ErasureRefused as refusal:
            raise CommandError(str(refusal), returncode=2) from None
        run_erasure(erasure)
        if erasure.state == Erasure.State.REFUSED:
            raise CommandError(erasure.note, returncode=2)
        self.stdout.write(said_of(erasure))


def said_of(erasure: Erasure) -> str:
    if not (erasure.messages or erasure.conversations):
        return "nothing is left of this guest: erased already"
    return (
        f"erased {erasure.messages} messages of {erasure.conversations} conversations: "
        f"{erasure.texts} texts, {erasure.attachments} files, {erasure.extracts} extracts, "
        f"{erasure.export_files} export files"
    )
