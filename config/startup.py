"""How every process refuses to start: one line that names the setting and the fix, and status 2.

For manage.py, `celery` and Daphne alike (reliability N3: never start half).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseFailure

from conversations import outages

STATUS = 2


@contextmanager
def one_line() -> Iterator[None]:
    """What an operator can mend is said without a traceback; all else is a fault of ours."""
    try:
        yield
    except ImproperlyConfigured as error:
        _refuse(str(error), cause=error)
    except DatabaseFailure as error:
        trouble = outages.trouble_of(error)
        if trouble is None:
            raise
        _refuse(trouble.line, cause=error)


def check() -> None:
    """Raises the first of the system checks' errors, for commands that do not run the checks."""
    found = [message for message in checks.run_checks() if message.is_serious()]
    found.sort(key=lambda message: not str(message.id).startswith("parley."))  # ours say the fix
    if found:
        raise ImproperlyConfigured(f"{found[0].msg} {found[0].hint or ''}".strip())


def _refuse(line: str, *, cause: Exception) -> None:
    sys.stderr.write(f"parley: {line}\n")
    raise SystemExit(STATUS) from cause
