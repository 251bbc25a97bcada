"""A download that nobody reads does not come to lie in the web process's memory."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

import psutil  # type: ignore[import-untyped]
import pytest
from django.conf import settings
from django.utils import timezone

from conversations.exports.link import Link, token_for
from conversations.models import Export
from tests.conversations import histories
from tests.doors.visitors import session_cookie
from tests.processes import Processes

SIZE = 96 * 1024 * 1024
PIECE = b"0123456789abcdef" * 4096


@pytest.mark.django_db(transaction=True)
def test_a_reader_who_stops_is_waited_for_and_gets_all_of_it(processes: Processes):
    user = histories.user("cora", "compliance")
    export = a_finished_export()
    web, address = processes.start_web()
    target = f"/exports/files/{token_for(Link(export.key, user.pk, 'file'))}/"
    process = psutil.Process(web.popen.pid)

    with socket.create_connection(("127.0.0.1", urlsplit(address).port or 80)) as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        reader.sendall(
            f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            f"Cookie: {settings.SESSION_COOKIE_NAME}={session_cookie(user)}\r\n\r\n".encode()
        )
        head = reader.recv(4096)
        before = process.memory_info().rss
        grown = max(grown_after(process, before) for _ in range(30))
        got = len(head.partition(b"\r\n\r\n")[2])
        while data := reader.recv(1 << 20):
            got += len(data)

    assert head.startswith(b"HTTP/1.1 200")
    assert grown < 24e6, f"{grown / 1e6:.0f} MB for one reader who does not read"
    assert got == SIZE


def grown_after(process: psutil.Process, before: int) -> int:
    """A tenth of a second later: the disk is read faster than that."""
    with pytest.raises(psutil.TimeoutExpired):
        process.wait(timeout=0.1)
    return process.memory_info().rss - before


def a_finished_export() -> Export:
    export = Export.objects.create(
        key=os.urandom(16).hex(), kind="transcripts", file_format="jsonl", asked="{}",
        reason_salt=b"0" * 16, requested_at=timezone.now(), state=Export.State.FINISHED,
        sha256="0" * 64, manifest="{}",
    )  # fmt: skip
    folder = Path(settings.EXPORT_FOLDER)
    folder.mkdir(exist_ok=True)
    export.file_name = f"{export.key}-1.jsonl"
    with (folder / export.file_name).open("wb") as file:
        for _ in range(SIZE // len(PIECE)):
            file.write(PIECE)
    export.save()
    return export
