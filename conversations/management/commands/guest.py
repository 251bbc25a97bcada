"""`guest`: a guest of the web chat on the terminal, for people and for scripts."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from conversations.chatting import COMMANDS, Chat, Exit, Wish
from conversations.conf import genesys_config
from conversations.crossing import Crossing
from conversations.genesys.exceptions import GuestRefused
from conversations.genesys.uploads import Uploads
from conversations.management.terminal_command import TerminalCommand
from conversations.net.http import HttpClient
from conversations.net.loops import new_loop
from conversations.terminal import Lines, use_zone
from conversations.tokens import DatabaseTokens
from conversations.typed_lines import typed_lines

_EPILOG = f"""
Each line of the input is a message. Lines that begin with / are for this command:
{COMMANDS}

exit codes:
  0    the input has ended, and all that was said is in the chat
  1    something could not be said, or ten tries in a row brought no connection
  2    the command or a setting is wrong
  130  Ctrl-C          141  standard output was closed          143  told to end (SIGTERM)

The chat goes to standard output, one line each; what happens to the connection to standard error.
"""


def metadata(value: str) -> dict[str, Any]:
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ArgumentTypeError('a JSON object is wanted, like {"page": "checkout"}')
    return found


def seconds(value: str) -> float:
    try:
        found = float(value)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 86_400:
        raise ArgumentTypeError("seconds, 0 to 86400")
    return found


class Command(TerminalCommand):
    help = "Chat as a guest of the web chat, until the input ends or Ctrl-C."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(prog_name, subcommand, epilog=_EPILOG, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("--name", default="Anonymous", help="of the guest (Anonymous)")
        parser.add_argument("--email", default="guest@example.org", help="of the guest")
        parser.add_argument("--metadata", type=metadata, default={}, metavar="JSON")
        parser.add_argument("--session", default="", help="go on with the chat of that session")
        parser.add_argument(
            "--wait", type=seconds, default=0.0, help="seconds to stay after the input has ended"
        )
        parser.add_argument("--utc", action="store_true", help="times in UTC")
        parser.add_argument("--verbose", action="store_true", help="ids, typing, read receipts")

    def handle(self, *args: Any, **options: Any) -> None:
        # This command says in its own words what happens to the connection.
        logging.getLogger("conversations.genesys.session").setLevel(logging.ERROR)
        use_zone(settings.TERMINAL_TIME_ZONE)
        with asyncio.Runner(loop_factory=new_loop) as runner:
            code = runner.run(self._chat(options))
        if code == Exit.PIPE_CLOSED:
            # Nothing more to say, also not while Python closes the stream.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(int(code))

    async def _chat(self, options: dict[str, Any]) -> int:
        database: Crossing[None] = Crossing(lambda items: list(items), name="guest")
        http = HttpClient()
        config = genesys_config()
        tokens = DatabaseTokens(config, http, database.call)
        try:
            return await Chat(
                self._wish(options),
                socket_url=settings.GENESYS_WEBCHAT_SOCKET_URL,
                uploads=Uploads(http, api_url=settings.GENESYS_API_URL, tokens=tokens),
                typed=typed_lines(0),
                lines=Lines(in_utc=options["utc"], in_colour=self._in_colour(options)),
                out=self._out,
                err=self._err,
            ).run()
        except GuestRefused as refused:
            raise CommandError(f"--{refused.field}: {refused}", returncode=2) from refused
        finally:
            await http.aclose()
            await database.close()

    def _wish(self, options: dict[str, Any]) -> Wish:
        return Wish(
            name=options["name"],
            email=options["email"],
            metadata=options["metadata"],
            session_id=options["session"],
            wait_s=options["wait"],
            echoes=not os.isatty(0),
            verbose=options["verbose"],
        )
