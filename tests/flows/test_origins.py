"""Only the listed origins open a socket: forged ones against a real Daphne (reliability S3)."""

from __future__ import annotations

from tests.flows.handshakes import status_of
from tests.processes import Processes
from tests.server_process import spare_port

LISTED = (
    b"https://parley.example.org",
    b"https://console.example.org:8443",
    b"http://[::1]:8000",
    b"https://xn--mnchen-3ya.example",
)
# By name, so that a failure says which one got in.
FORGED: dict[str, bytes] = {
    "empty": b"",
    "null": b"null",
    "none": b"none",
    "star": b"*",
    "evil": b"https://evil.example",
    "other scheme": b"http://parley.example.org",
    "socket scheme": b"wss://parley.example.org",
    "extension": b"chrome-extension://parley.example.org",
    "file": b"file://",
    "no scheme": b"parley.example.org",
    "scheme left out": b"//parley.example.org",
    "other port": b"https://parley.example.org:8443",
    "port left out": b"https://console.example.org",
    "default port written out": b"https://parley.example.org:443",
    "port of nothing": b"https://parley.example.org:",
    "port with a zero": b"https://console.example.org:08443",
    "port out of range": b"https://parley.example.org:65979",
    "subdomain": b"https://evil.parley.example.org",
    "parent domain": b"https://example.org",
    "suffix": b"https://parley.example.org.evil.example",
    "longer top": b"https://parley.example.organic",
    "prefix": b"https://evilparley.example.org",
    "dash prefix": b"https://evil-parley.example.org",
    "dot for any": b"https://parleyxexample.org",
    "trailing dot": b"https://parley.example.org.",
    "leading dot": b"https://.parley.example.org",
    "upper case host": b"https://PARLEY.example.org",
    "upper case scheme": b"HTTPS://parley.example.org",
    "user": b"https://evil@parley.example.org",
    "user and password": b"https://parley.example.org:x@evil.example",
    "user looks listed": b"https://parley.example.org@evil.example",
    "path": b"https://parley.example.org/",
    "path and more": b"https://parley.example.org/live/?x#y",
    "query": b"https://parley.example.org?",
    "fragment": b"https://evil.example#https://parley.example.org",
    "backslash": b"https://evil.example\\@parley.example.org",
    "space inside": b"https://parley.example.org https://evil.example",
    "comma list": b"https://parley.example.org, https://evil.example",
    "comma list, evil first": b"https://evil.example, https://parley.example.org",
    "tab inside": b"https://parley\t.example.org",
    "percent dot": b"https://parley%2eexample.org",
    "NUL": b"https://parley.example.org\x00.evil.example",
    "other IPv6": b"http://[::2]:8000",
    "long IPv6": b"http://[0:0:0:0:0:0:0:1]:8000",
    "IPv6 without brackets": b"http://::1:8000",
    "IPv6 zone": b"http://[::1%25lo]:8000",
    "IPv4 of it": b"http://127.0.0.1:8000",
    "unicode host": "https://münchen.example".encode(),
    "latin-1 host": "https://münchen.example".encode("latin-1"),
    "Cyrillic homoglyph": "https://раrley.example.org".encode(),
    "punycode of a homoglyph": b"https://xn--rley-43d8b.example.org",
    "full-width dot": "https://parley。example.org".encode(),
    "data": b"data:text/html,https://parley.example.org",
    "very long": b"https://" + b"a" * 5000 + b".example",
}
OLD_KIND = b"Sec-WebSocket-Origin: " + LISTED[0]
LINES: dict[str, list[bytes]] = {
    **{name: [b"Origin: " + value] for name, value in FORGED.items()},
    "missing": [],
    "twice the same": [b"Origin: " + LISTED[0]] * 2,
    "listed, then evil": [b"Origin: " + LISTED[0], b"Origin: https://evil.example"],
    "evil, then listed": [b"Origin: https://evil.example", b"Origin: " + LISTED[0]],
    "in an old header": [OLD_KIND],
    "by an old protocol": [b"Sec-WebSocket-Version: 8", OLD_KIND],
    "underscore": [b"Origin_: " + LISTED[0]],
    "as referrer": [b"Referer: " + LISTED[0] + b"/live/"],
    "as host": [b"X-Forwarded-Host: parley.example.org", b"Origin: https://evil.example"],
    "split over lines": [b"Origin: https://parley", b" .example.org"],
}


def test_only_the_listed_origins_open_a_socket(processes: Processes):
    port = spare_port()
    processes.environment["ALLOWED_ORIGINS"] = b" ".join(LISTED).decode()
    web, _ = processes.start_web(port=port)

    let_in = {origin: status_of(port, [b"Origin: " + origin]) for origin in LISTED}
    answers = {name: status_of(port, lines) for name, lines in LINES.items()}

    assert set(let_in.values()) == {101}
    assert {name: status for name, status in answers.items() if status == 101} == {}
    # Nor is any of them a fault of ours: refused by us (403) or as malformed (400).
    assert {name: status for name, status in answers.items() if status not in (400, 403)} == {}
    assert "Traceback" not in web.output()
