"""`run_embedded` as somebody meets it first: one command, nothing configured, Ctrl-C, once more."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pytest

from tests.flows.embedded import Embedded, has_processes, interrupt
from tests.processes import RunningProcess

pytestmark = pytest.mark.flow
TABLES = ("conversations_message", "conversations_delivery", "conversations_journalentry")


def log_in(embedded: Embedded, client: httpx.Client, user: str) -> httpx.Response:
    page = client.get("/login/")
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert found, page.text
    form = {
        "username": user,
        "password": embedded.kept("DEMO_PASSWORD"),
        "csrfmiddlewaretoken": found.group(1),
    }
    return client.post("/login/", data=form, headers={"Referer": f"{embedded.address}/login/"})


def test_one_command_shows_translated_conversations_and_keeps_them(embedded: Embedded):
    # The first start: nothing is there.
    running = embedded.start(speed=4.0)
    embedded.processes.wait_until(
        lambda: embedded.platform.counts().get("attributes", 0) >= 10,
        what="messages are translated, delivered and have their attributes",
        within_s=60,
        of=running,
    )
    with httpx.Client(base_url=embedded.address, follow_redirects=True, timeout=30) as client:
        assert client.get("/login/").status_code == 200
        assert client.get("/readyz").text == "ready\n"
        assert log_in(embedded, client, "supervisor").status_code == 200
        assert client.get("/live/").url.path == "/live/"
        cookies = dict(client.cookies)
    verdict = embedded.platform.verdict()
    assert verdict.doubled == verdict.out_of_order == verdict.loops == verdict.wrong_texts == []

    assert_stops(embedded, running)
    before = {table: embedded.count(table) for table in TABLES}
    assert min(before.values()) >= 10

    # The second start keeps what the first one has.
    running = embedded.start(speed=4.0)
    embedded.processes.wait_until(
        lambda: all(embedded.count(table) > before[table] for table in TABLES),
        what="the counts grow",
        of=running,
    )
    with httpx.Client(base_url=embedded.address, cookies=cookies, timeout=30) as client:
        assert client.get("/live/").status_code == 200
    assert_stops(embedded, running)

    verified = embedded.processes.run("verify_audit")
    assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.mark.parametrize(
    "moment",
    [
        lambda embedded: (embedded.home / "embedded.env").exists(),
        lambda embedded: (embedded.home / "parley.sqlite3").exists(),
        Embedded.is_simulated,
        Embedded.answers,
    ],
    ids=["before the settings", "before the tables", "before the gateway", "before the first page"],
)
def test_ctrl_c_while_it_starts_ends_it_without_a_word_of_python(
    embedded: Embedded, moment: Callable[[Embedded], bool]
):
    running = embedded.begin()
    embedded.processes.wait_until(lambda: moment(embedded), what="it has come so far", of=running)

    assert interrupt(running) in {0, 130}

    assert not has_processes(running)
    assert "Traceback" not in running.output(), running.output()
    assert "KeyboardInterrupt" not in running.output()
    assert '"level": "error"' not in running.output()


def assert_stops(embedded: Embedded, running: RunningProcess) -> None:
    assert interrupt(running) == 0, running.tail()
    assert not has_processes(running)
    assert not embedded.answers()
    output = running.output()
    assert "Traceback" not in output, output
    assert '"level": "error"' not in output, output
    assert output.rstrip().endswith("goes on with it."), running.tail()
