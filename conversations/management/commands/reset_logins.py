"""`reset_logins`: lets those in again who tried too often, from the machine itself."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from conversations.services.login_limits import reset_attempts


class Command(BaseCommand):
    help = "Forget attempts to log in, so that nobody has to wait: of all, or of those named."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--account", default="", metavar="NAME", help="only of this account")
        parser.add_argument(
            "--network",
            default="",
            metavar="CIDR",
            help="only from this network, as the admin has it",
        )

    def handle(self, *args: Any, account: str, network: str, **options: Any) -> None:
        count = reset_attempts(account=account, network=network)
        self.stdout.write(f"{count} counts forgotten")
