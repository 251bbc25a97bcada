"""Sessions as rows, found by a digest of their key: who reads the database takes none over.

What the cookie holds stands nowhere else. All else is Django's own store; of its twins the
synchronous ones are used here, and the others refuse rather than store a key as it is.
"""

from __future__ import annotations

import hashlib
from typing import Any, NoReturn

from django.contrib.sessions.backends import db
from django.utils import timezone


def row_key(session_key: str) -> str:
    """The key is random and long: a plain digest will do, cut to what the column holds."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:40]


class SessionStore(db.SessionStore):
    def load(self) -> dict[str, Any]:
        rows = self.model.objects.filter(
            session_key=row_key(self.session_key or ""), expire_date__gt=timezone.now()
        )
        row = rows.first()
        if row is None:
            self._session_key = None
            return {}
        return self.decode(row.session_data)

    def exists(self, session_key: str) -> bool:
        return super().exists(row_key(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        row = super().create_model_instance(data)
        row.session_key = row_key(row.session_key)
        return row

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            super().delete(row_key(key))

    async def _refuse(self, *args: Any, **options: Any) -> NoReturn:
        raise NotImplementedError("sessions are read and written in the synchronous way")

    aload = aexists = acreate_model_instance = adelete = _refuse
