"""`reset_second_factor`: for somebody who has lost theirs, from the machine itself."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from conversations.services.people import console_actor
from conversations.services.second_factor import reset


class Command(BaseCommand):
    help = (
        "Take somebody's second factor and recovery codes away: their password alone lets them in "
        "then, to set up another. Ends their sessions, and is noted in the journal."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("account", metavar="ACCOUNT", help="the name that they log in with")

    def handle(self, *args: Any, account: str, **options: Any) -> None:
        user = User.objects.filter(username=account).first()
        if user is None:
            raise CommandError(f"there is no account {account}", returncode=2)
        done = reset(user, actor=console_actor())
        self.stdout.write("reset" if done else "nothing to reset: there is no second factor")
