#!/usr/bin/env python
"""Django's command line for Parley."""

import os
import signal
import sys

SIMULATOR_PORT = 9000
INTERRUPTED = 130  # as a shell reports Ctrl-C


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if sys.argv[1:2] == ["run_embedded"]:
        # Until its parts run there is nothing to stop, and afterwards they are stopped by
        # config.interrupts. A KeyboardInterrupt would be traced, or lost in somebody's callback.
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    try:
        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def run() -> None:
    """Imports stand inside, so that Ctrl-C is as quiet while they run as later."""
    from config import startup

    with startup.one_line():
        from django.core.management import execute_from_command_line

        prepare_environment(sys.argv)
        execute_from_command_line(sys.argv)


def prepare_environment(argv: list[str]) -> None:
    """The demo makes its own settings; every other command finds them again."""
    import argparse

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
