"""`transcript`: one conversation live on the terminal, in lines that a script can read too."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from typing import Any

from django.conf import settings
from django.db import connection

from conversations.conf import genesys_config
from conversations.following import Exit, Follower, Wish
from conversations.management.terminal_command import TerminalCommand
from conversations.net.loops import new_loop
from conversations.terminal import Lines, use_zone

_MAX_ID = 200
_CODES = """
exit codes:
  0    the conversation has ended
  1    given up: five tries in a row brought no sound connection
  2    the command or a setting is wrong, or the database does not answer
  3    refused: the platform does not accept the token or its scope
  130  Ctrl-C          141  standard output was closed          143  told to end (SIGTERM)

Messages go to standard output, one line each; what happens to the connection to standard error.
Colours on a terminal only, and not with NO_COLOR or --no-color. Times are those of this machine
(TZ), --utc for UTC.
"""


def conversation_id(value: str) -> str:
    if not 0 < len(value.strip()) <= _MAX_ID:
        raise ArgumentTypeError(f"a conversation's id has 1 to {_MAX_ID} characters")
    return value.strip()


class Command(TerminalCommand):
    help = "Follow one conversation live, until it ends or Ctrl-C."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(prog_name, subcommand, epilog=_CODES, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("conversation_id", type=conversation_id, metavar="CONVERSATION_ID")
        parser.add_argument(
            "--translated", action="store_true", help="each translation too, as ours was made"
        )
        parser.add_argument("--utc", action="store_true", help="times in UTC")
        parser.add_argument(
            "--verbose",
            action="store_true",
            help="typing, read receipts, and why a frame was left out",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        config = genesys_config()  # a missing setting is said now, in one line
        connection.ensure_connection()  # the token of the deployment is there
        # This command says in its own words what happens to the connection.
        logging.getLogger("conversations.genesys.session").setLevel(logging.ERROR)
        use_zone(settings.TERMINAL_TIME_ZONE)
        lines = Lines(in_utc=options["utc"], in_colour=self._in_colour(options))
        wish = Wish(options["conversation_id"], options["translated"], options["verbose"])
        follower = Follower(wish, config=config, lines=lines, out=self._out, err=self._err)
        with asyncio.Runner(loop_factory=new_loop) as runner:
            code = runner.run(follower.run())
        if code == Exit.PIPE_CLOSED:
            # Nothing more to say, also not while Python closes the stream.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(int(code))
