"""How a process refuses to start: what an operator can mend in one line, all else as it is."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, ProgrammingError

from config import startup


def test_a_wrong_setting_is_one_line_and_a_status(capsys):
    with pytest.raises(SystemExit) as ended, startup.one_line():
        raise ImproperlyConfigured("X is not set. Set it.")

    assert ended.value.code == 2
    assert capsys.readouterr().err == "parley: X is not set. Set it.\n"


def test_a_database_that_does_not_answer_is_one_line_that_names_the_setting(capsys):
    with pytest.raises(SystemExit), startup.one_line():
        raise OperationalError("connection refused\n\tIs the server running?")

    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "does not answer: connection refused. Start it or correct DATABASE_URL" in said


def test_a_fault_of_ours_keeps_its_traceback():
    with pytest.raises(ProgrammingError), startup.one_line():
        raise ProgrammingError("syntax error")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ALLOWED_HOSTS", ["*"], "must not contain"),
        ("ALLOWED_ORIGINS", ["parley.example.org"], "Write scheme://host"),
    ],
)
def test_the_first_of_our_own_checks_is_the_one_that_is_said(name, value, says, settings):
    setattr(settings, name, value)
    settings.CSRF_TRUSTED_ORIGINS = ["parley.example.org"]  # Django complains of it as well

    with pytest.raises(ImproperlyConfigured, match=says):
        startup.check()


def test_settings_in_order_pass():
    startup.check()
