"""Files by what they are: the name and the browser's word alone are worth nothing."""

from __future__ import annotations

import pytest

from conversations.genesys.attachments import (
    MAX_BYTES,
    Attachment,
    attachments_of,
    check_size,
    checked_file,
)
from conversations.genesys.exceptions import AttachmentRefused, AttachmentTooLarge

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00" * 40
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"\x00" * 40
PDF = b"%PDF-1.7\n" + b"\x00" * 40
HTML = b"<!DOCTYPE html><script>alert(1)</script>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'


@pytest.mark.parametrize(
    ("name", "content", "content_type"),
    [
        ("a.png", PNG, "image/png"),
        ("a.JPG", JPEG, "image/jpeg"),
        ("a.jpeg", JPEG, "image/jpeg"),
        ("Überweisung 2.pdf", PDF, "application/pdf"),
        ("فاتورة.pdf", PDF, "application/pdf"),
    ],
)
def test_pictures_and_documents_may_be_sent(name: str, content: bytes, content_type: str):
    file = checked_file(name, content, declared=content_type)

    assert (file.name, file.content_type, file.size) == (name, content_type, len(content))


def test_a_name_without_an_ending_gets_the_one_of_its_content():
    assert checked_file("photo", PNG).name == "photo.png"


@pytest.mark.parametrize(
    ("name", "content", "declared", "words"),
    [
        ("a.png", HTML, "image/png", "a web page"),
        ("a.png", SVG, "image/png", "an SVG drawing"),
        ("a.svg", SVG, "image/svg+xml", "an SVG drawing"),
        ("a.png", JPEG, "", "a JPEG file, but its name ends in .png"),
        ("a.exe", PNG, "", "its name ends in .exe"),
        ("a.png", PNG, "image/jpeg", "not image/jpeg"),
        ("a.gif", b"GIF89a....", "", "a GIF picture"),
        ("a.png", b"", "", "empty"),
        ("a.png", b"\x89PNG\r\n\x1a\n<html>", "", "of another type"),
        ("../../etc/passwd.png", PNG, "", "without folders"),
        ("C:\\x.png", PNG, "", "without folders"),
        ("..", PNG, "", "without folders"),
        ("photo\u202egnp.exe", PNG, "", "change of direction"),
        ("a\u2066.png", PNG, "", "change of direction"),
        ("a\x00.png", PNG, "", "cannot be shown"),
        ("a\n.png", PNG, "", "cannot be shown"),
        ("a\ud800.png", PNG, "", "cannot be shown"),
        (" ", PNG, "", "1 to 200"),
        ("x" * 300 + ".png", PNG, "", "1 to 200"),
    ],
)
def test_anything_else_is_refused_in_words(name: str, content: bytes, declared: str, words: str):
    with pytest.raises(AttachmentRefused, match="this file cannot be sent") as refused:
        checked_file(name, content, declared=declared)

    assert words in str(refused.value)


def test_ten_mebibytes_fit_and_eleven_do_not():
    checked_file("a.png", PNG.ljust(MAX_BYTES, b"\0"))

    with pytest.raises(AttachmentTooLarge, match=r"11\.0 MiB, and 10 MiB"):
        checked_file("a.png", PNG.ljust(11 << 20, b"\0"))
    with pytest.raises(AttachmentTooLarge):
        check_size(11 << 20)


def test_metadata_is_read_as_far_as_it_can_be():
    data = {"id": "a-1", "filename": "x.png", "contentType": "image/png", "size": 3, "url": "u"}

    found = attachments_of([data, {"name": 7, "size": "3", "url": "u" * 3000}, "nonsense"])

    assert found == (
        Attachment("a-1", "x.png", "image/png", 3, "u"),
        Attachment("", "", "", None, ""),
    )
    assert found[0].raw == data
    assert attachments_of("nonsense") == ()
