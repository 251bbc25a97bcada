"""Somebody of each role, logged in, at the doors of a real web process."""

from __future__ import annotations

import json
from collections.abc import Collection
from http.cookies import SimpleCookie

import httpx
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from conversations import access
from conversations.models import Agent, SecondFactor
from tests.conversations import histories
from tests.doors.verdicts import Door

WITHIN_S = 10.0
LOGIN_PATHS = ("/login/",)
# 400: let in, and told what is wanted.
OF_STATUS = {401: "login", 200: "in", 204: "in", 400: "in", 503: "in", 403: "no", 404: "none"}
OF_CODE = {4401: "login", 4403: "no", 4404: "none"}
CSRF_TOKEN = "c" * 32


def logged_in(role: str) -> str:
    """The session cookie of somebody new with this role; empty for a stranger."""
    if role == "anonymous":
        return ""
    user = histories.user(role, *({role} & set(access.GROUPS)))
    if role == "agent":
        Agent.objects.create(user=user, external_id="agent-1")
    if role in ("superuser", "deactivated"):  # whoever is switched off loses even all of it
        User.objects.filter(pk=user.pk).update(is_superuser=True)
    cookie = session_cookie(user)
    if role == "deactivated":
        User.objects.filter(pk=user.pk).update(is_active=False)
    return cookie


def session_cookie(user: User, factor: SecondFactor | None = None) -> str:
    client = Client()
    client.force_login(user)
    if factor is not None:  # as after its code
        session = client.session
        session[DEVICE_ID_SESSION_KEY] = factor.persistent_id
        session.save()
    return client.cookies[settings.SESSION_COOKIE_NAME].value


class Visitor:
    """`address` is that of the web process, which is its origin as well."""

    def __init__(self, address: str, session: str = "") -> None:
        self.session = session
        jar = SimpleCookie({settings.CSRF_COOKIE_NAME: CSRF_TOKEN})
        if session:
            jar[settings.SESSION_COOKIE_NAME] = session
        self.cookies = jar.output(header="", sep=";").strip()
        self._address = address
        self._client = httpx.Client(base_url=address, timeout=WITHIN_S, trust_env=False)

    def close(self) -> None:
        self._client.close()

    def request(
        self, method: str, path: str, *, data: dict[str, str] | None = None
    ) -> httpx.Response:
        headers = {"Cookie": self.cookies, "Origin": self._address}
        if method not in ("GET", "HEAD"):
            headers["X-CSRFToken"] = CSRF_TOKEN
        return self._client.request(method, path, headers=headers, data=data)

    def enter(self, door: Door, *, letter: int = 0) -> str:
        """The verdict of a page, in the words of the table."""
        answer = self.request(door.method, door.address.format(letter=letter))
        return verdict_of(answer)

    def open(self, path: str) -> connect:
        """To be used in a `with`."""
        return connect(
            self._address.replace("http", "ws", 1) + path,
            origin=Origin(self._address),
            additional_headers={"Cookie": self.cookies},
            ping_interval=None,
            proxy=None,
        )

    def listen(self, door: Door, *, saying: Collection[str] = ()) -> str:
        """The verdict of a socket: its first frame, or the code that it is closed with."""
        with self.open(door.address) as socket:
            try:
                for word in saying:
                    socket.send(json.dumps({"type": word, "action": word, "n": 0, "after": 0}))
                socket.recv(timeout=WITHIN_S)
            except ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd else 0
                return OF_CODE.get(code, str(code))
        return "in"

    def type_at(self, door: Door) -> str:
        """The verdict of a socket to whoever says that they type."""
        with self.open(door.address) as socket:
            try:
                socket.recv(timeout=WITHIN_S)
                socket.send('{"type":"keys","n":1,"ms":0}')
                socket.send('{"type":"gap","after":0}')  # whoever is still there is answered
                socket.recv(timeout=WITHIN_S)
            except ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd else 0
                return OF_CODE.get(code, str(code))
        return "in"


def verdict_of(answer: httpx.Response) -> str:
    if answer.is_redirect:
        to_login = answer.headers["Location"].split("?")[0].endswith(LOGIN_PATHS)
        return "login" if to_login else "on"
    return OF_STATUS.get(answer.status_code, str(answer.status_code))
