"""`manage.py simulate`: the platform and the translation service, simulated on one port."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from conversations.guest_page.standalone import StandAlone
from conversations.live.origins import as_browsers_write
from conversations.simulator.config import SimulatorConfig
from conversations.simulator.faults import BadRule, parse_rule
from conversations.simulator.headless import play_headless
from conversations.simulator.scenarios.loader import names
from conversations.simulator.server import SimulatorServer

DEFAULT_PORT = 9000


class Command(BaseCommand):
    help = "Simulates the messaging platform and the translation service (see docs/protocol.md)."
    requires_system_checks = ()  # it needs none of our settings

    def add_arguments(self, parser: CommandParser) -> None:
        port = int(os.environ.get("PORT", DEFAULT_PORT))
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=port, help="0 takes a spare port")
        parser.add_argument(
            "--scenario", default="demo", metavar="NAME", help=f"none, {', '.join(names())}"
        )
        parser.add_argument("--faults", type=Path, metavar="FILE", help="JSON: a list of rules")
        parser.add_argument("--headless", action="store_true", help="play once, judge, exit")
        parser.add_argument(
            "--webchat",
            action="store_true",
            help="headless: guests on web-chat sockets of their own",
        )
        parser.add_argument(
            "--origin", action="append", default=[], help="of a page that may use the page's socket"
        )
        parser.add_argument("--speed", type=float, default=1.0, help="2 plays twice as fast")
        parser.add_argument("--conversations", type=int, help="how many side by side")
        parser.add_argument("--provider-ms", type=float, default=80.0, help="translation's latency")
        parser.add_argument("--wait", type=float, default=60.0, help="seconds for a client")
        parser.add_argument("--settle", type=float, default=30.0, help="seconds after the end")

    def handle(self, *args: Any, **options: Any) -> None:
        config = _config(options)
        if options["webchat"] and not options["headless"]:
            raise CommandError("--webchat: with --headless alone; else guests come by themselves")
        try:
            if options["headless"]:
                self._headless(config, options)
            else:
                asyncio.run(self._serve(config, _origins(options["origin"])))
        except KeyboardInterrupt:
            self.stderr.write("stopped")
        except OSError as problem:
            raise CommandError(f"port {config.port}: {problem.strerror or problem}") from problem

    def _headless(self, config: SimulatorConfig, options: dict[str, Any]) -> None:
        outcome = asyncio.run(
            play_headless(
                config,
                scenario=config.scenario or "demo",
                wait_s=options["wait"],
                settle_s=options["settle"],
                webchat=options["webchat"],
                on_listening=self._announce,
            )
        )
        for line in outcome.lines:
            self.stdout.write(line)
        if not outcome.ok:
            raise CommandError("it did not go as written")

    async def _serve(self, config: SimulatorConfig, origins: Sequence[str]) -> None:
        socket = StandAlone(
            client_id=config.client_id, client_secret=config.client_secret, origins=origins
        )
        async with SimulatorServer(config, page_socket=socket) as server:
            self._announce(server)
            self.stderr.write(f"page socket ws://{config.host}:{server.port}/ (docs/simulator.md)")
            await asyncio.Event().wait()

    def _announce(self, server: SimulatorServer) -> None:
        self.stderr.write(
            f"simulator on {server.base_url}, org socket {server.socket_url},"
            f" guest socket {server.webchat_url}"
        )


def _config(options: dict[str, Any]) -> SimulatorConfig:
    scenario = options["scenario"]
    if scenario != "none" and scenario not in names():
        raise CommandError(f"no scenario {scenario!r}; there are: none, {', '.join(names())}")
    if options["speed"] <= 0:
        raise CommandError("--speed: greater than 0")
    return SimulatorConfig(
        host=options["host"],
        port=options["port"],
        scenario=None if scenario == "none" else scenario,
        speed=options["speed"],
        conversations=options["conversations"],
        provider_ms=options["provider_ms"],
        faults=_rules(options["faults"]),
    )


def _origins(values: Sequence[str]) -> Sequence[str]:
    for value in values:
        written = as_browsers_write(value)
        if value != "null" and written != value:
            hint = written or "scheme://host[:port], or null for pages of a folder"
            raise CommandError(f"--origin {value}: write {hint}")
    return values


def _rules(path: Path | None) -> tuple[dict[str, Any], ...]:
    if path is None:
        return ()
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        rules = tuple(data["rules"] if isinstance(data, dict) else data)
        for rule in rules:
            parse_rule(rule)
    except (OSError, ValueError, BadRule, KeyError, TypeError, AttributeError) as problem:
        raise CommandError(f"{path}: {problem}") from problem
    return rules
