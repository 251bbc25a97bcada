"""Foreign exceptions stop at the edge; bodies are data and never text."""

from __future__ import annotations

from conversations.net.exceptions import AnswerUnknown, InvalidBody, NetError, NotSent


def test_all_failures_are_of_one_tree() -> None:
    assert all(issubclass(kind, NetError) for kind in (NotSent, AnswerUnknown, InvalidBody))


def test_an_invalid_body_keeps_its_beginning_but_never_shows_it() -> None:
    error = InvalidBody("not JSON", kept=b"secret " * 1000)

    assert error.kept == (b"secret " * 1000)[:2000]
    assert "secret" not in str(error)
