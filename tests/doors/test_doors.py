"""Both doors have one rule: every role at every page and every socket of a real web process."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from websockets.exceptions import ConnectionClosed

from conversations.models import Conversation
from tests.conversations.live.histories import History, a_conversation
from tests.conversations.services.decided import frame
from tests.doors.verdicts import (
    MESSAGES,
    NO_SOCKETS,
    OPEN,
    OUTSIDE_THE_ADMIN,
    PAGES,
    ROLES,
    SOCKETS,
    TYPING,
    Door,
)
from tests.doors.visitors import WITHIN_S, Visitor, logged_in
from tests.processes import Processes
from tests.server_process import spare_port


@pytest.fixture
def address(processes: Processes) -> str:
    port = spare_port()
    processes.environment["ALLOWED_ORIGINS"] = f"http://127.0.0.1:{port}"
    processes.environment["SIMULATOR_PAGE"] = "true"
    _, address = processes.start_web(port=port)
    return address


@pytest.fixture
def visitors(address: str) -> Iterator[dict[str, Visitor]]:
    History(a_conversation("own", agent_id="agent-1")).say()
    History(a_conversation("foreign", agent_id="agent-2")).say()
    _calls()
    made = {role: Visitor(address, logged_in(role)) for role in ROLES}
    yield made
    for visitor in made.values():
        visitor.close()


def test_every_role_gets_in_where_the_table_says_and_nowhere_else(visitors: dict[str, Visitor]):
    letter = frame().pk

    wrong = {}
    for role, visitor in visitors.items():
        for door in PAGES:
            found = visitor.enter(door, letter=letter)
            if found != door.of(role):
                wrong[role, door.method, door.address] = found
        for door in (*SOCKETS, *NO_SOCKETS):
            found = visitor.listen(door)
            if found != door.of(role):
                wrong[role, "socket", door.address] = found
            said = MESSAGES.get(door.route, ())
            if door.of(role) != "in" and visitor.listen(door, saying=said) == "in":
                wrong[role, "socket", door.address] = "in, once it has said something"
        if (found := visitor.type_at(TYPING)) != TYPING.of(role):
            wrong[role, "typing", TYPING.address] = found

    assert wrong == {}


def test_a_foreign_conversation_answers_exactly_as_a_missing_one(visitors: dict[str, Visitor]):
    agent = visitors["agent"]

    foreign, missing = (agent.request("GET", f"/live/{name}/") for name in ("foreign", "missing"))
    closes = []
    for name in ("foreign", "missing"):
        with agent.open(f"/ws/live/{name}/") as socket, pytest.raises(ConnectionClosed):
            socket.recv(timeout=WITHIN_S)
        closes.append((socket.close_code, socket.close_reason))

    assert foreign.status_code == missing.status_code == 404
    assert _without_tokens(foreign.text) == _without_tokens(missing.text)
    assert _lasting(foreign.headers) == _lasting(missing.headers)
    assert closes[0] == closes[1] == (4404, "")


@pytest.mark.django_db
def test_a_page_takes_the_methods_of_its_door_alone(client: Client):
    client.cookies[settings.SESSION_COOKIE_NAME] = logged_in("superuser")
    a_conversation("own"), a_conversation("foreign"), _calls()
    letter = frame().pk
    others = {"GET": ("post", "put", "patch", "delete"), "POST": ("get", "put", "patch", "delete")}

    answers = {
        (method, door.address): getattr(client, method)(
            door.address.format(letter=letter)
        ).status_code
        for door in PAGES
        for method in others[door.method]
    }

    assert set(answers.values()) == {405}


@pytest.mark.django_db
def test_no_door_takes_a_change_without_its_token():
    """S5: whatever is posted from another site comes without one."""
    client = Client(enforce_csrf_checks=True)
    client.cookies[settings.SESSION_COOKIE_NAME] = logged_in("superuser")
    changing = [door.address for door in PAGES if door.method == "POST"]
    lists = [route for route in _addresses(f"{settings.ADMIN_PATH}/") if route.endswith("/")]
    paths = [*changing, "/login/", "/logout/", *(f"/{route}" for route in lists)]

    taken = [path for path in paths if client.post(path).status_code not in (403, 404, 405)]

    assert len(changing) > 4
    assert taken == []


@pytest.mark.django_db
@pytest.mark.parametrize("role", OUTSIDE_THE_ADMIN)
def test_nobody_without_a_role_in_it_gets_anywhere_in_the_admin(client: Client, role: str):
    pages = [f"/{route}" for route in _addresses(f"{settings.ADMIN_PATH}/")]
    public = {f"/{settings.ADMIN_PATH}/login/", f"/{settings.ADMIN_PATH}/logout/"}
    client.cookies[settings.SESSION_COOKIE_NAME] = logged_in(role)

    let_in = [page for page in pages if page not in public and client.get(page).status_code != 302]

    assert len(pages) > 50
    assert let_in == []


def test_every_page_has_a_verdict():
    pages = {route for route in _routes() if not route.startswith(f"{settings.ADMIN_PATH}/")}

    assert pages == {door.route for door in PAGES} | set(OPEN)


def test_every_socket_has_a_verdict():
    from config.asgi import sockets

    assert {str(route.pattern) for route in sockets} == {door.route for door in SOCKETS}


@pytest.mark.parametrize("door", [*PAGES, *SOCKETS], ids=lambda door: door.address)
def test_every_door_has_a_verdict_for_every_role(door: Door):
    assert len(door.verdicts.split()) == len(ROLES)


@pytest.mark.parametrize("socket", SOCKETS, ids=lambda door: door.address)
def test_a_socket_has_the_verdicts_of_its_page(socket: Door):
    pages = {door.address: door.verdicts for door in PAGES}

    page = pages.get(socket.address.removeprefix("/ws"), socket.verdicts)

    assert page == socket.verdicts


def _calls() -> None:
    for name, agent_id in (("own-call", "agent-1"), ("foreign-call", "agent-2")):
        a_conversation(name, agent_id=agent_id, channel=Conversation.Channel.VOICE)


def _routes(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[str]:
    """Every pattern of the URL map, as it is written there."""
    for entry in (resolver or get_resolver()).url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield route
        else:
            yield from _routes(entry, route)


def _addresses(prefix: str) -> list[str]:
    """The patterns below a path with something in place of their arguments."""
    routes = {route for route in _routes() if route.startswith(prefix)}
    filled = {re.sub(r"<\w+:\w+>|\(\?P<\w+>[^)]*\)", "1", route) for route in routes}
    return sorted(route.replace("^", "").rstrip("$") for route in filled)


def _without_tokens(page: str) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page)


def _lasting(headers: object) -> dict[str, str]:
    changing = {"date", "set-cookie"}
    return {name: value for name, value in dict(headers).items() if name not in changing}  # type: ignore[call-overload]
