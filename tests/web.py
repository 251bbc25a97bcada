"""The console's web process and a browser's page on it, for the browser tests."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page

from tests.processes import Processes, RunningProcess
from tests.server_process import spare_port

PASSWORD = "a-pass-phrase-of-the-tests"


class WebServer:
    def __init__(self, processes: Processes) -> None:
        port = spare_port()
        processes.environment["ALLOWED_ORIGINS"] = f"http://127.0.0.1:{port}"
        self.process: RunningProcess
        self.process, self.address = processes.start_web(port=port)


class Web:
    def __init__(self, server: WebServer, page: Page) -> None:
        self.process, self.address = server.process, server.address
        self.page = page
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._note)

    def _note(self, message: Any) -> None:
        if message.type == "error" and not re.search("status of 40[034]", message.text):
            self.complaints.append(message.text)

    def log_in(self, user: str, path: str = "/") -> None:
        self.page.goto(self.address + path)
        self.page.get_by_label("User name").fill(user)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
