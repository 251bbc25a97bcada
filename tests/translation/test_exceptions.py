"""The error tree carries data and says nothing that was said in a conversation."""

from __future__ import annotations

from translation.exceptions import InvalidAnswer, ProviderUnavailable


def test_the_kept_body_is_data_and_never_a_sentence() -> None:
    error = InvalidAnswer("no JSON", kept="secret words " * 1000)

    assert "secret" not in f"{error} {error!r} {error.args}"
    assert len(error.kept) == 2000


def test_a_fresh_error_is_equal_and_has_no_traceback() -> None:
    error = ProviderUnavailable("status 503", retry_after_s=3.0)
    try:
        raise error
    except ProviderUnavailable:
        twin = error.fresh()

    assert twin is not error
    assert (str(twin), twin.retry_after_s, twin.retryable) == (str(error), 3.0, True)
    assert twin.__traceback__ is None
