#!/usr/bin/env python
"""Django's command line for Parley."""

import argparse
import os
import sys

SIMULATOR_PORT = 9000


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        prepare_environment(sys.argv)
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # A missing or wrong setting: one line that names it and the fix, no traceback.
        sys.stderr.write(f"parley: {error}\n")
        sys.exit(2)
    except OperationalError as error:
        reason = str(error).strip().partition("\n")[0]
        sys.stderr.write(
            f"parley: the database does not answer: {reason}. Start it or correct DATABASE_URL.\n"
        )
        sys.exit(2)


def prepare_environment(argv: list[str]) -> None:
    """The demo makes its own settings; every other command finds them again."""
    from config import embedded

    if "run_embedded" not in argv[1:2]:
        embedded.load_kept()
        return
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--simulator-port", type=int, default=SIMULATOR_PORT)
    options, _ = parser.parse_known_args(argv[2:])
    embedded.prepare(port=options.port, simulator_port=options.simulator_port)


if __name__ == "__main__":
    main()
