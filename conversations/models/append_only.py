"""Rows that are written once: no update and no delete, whatever way is tried.

These refusals name the rule early, to whoever writes code here. What holds against everybody else
are the triggers (migration 0011_append_only); who goes past those is found by `verify_audit`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, NoReturn

from django.db import models


class AppendOnly(TypeError):
    """An attempt to change or remove what is only ever added to."""


class AppendOnlyQuerySet(models.QuerySet[Any]):
    def update(self, **values: Any) -> NoReturn:
        raise AppendOnly(f"{self.model.__name__}: rows are never changed; add another one.")

    def delete(self) -> NoReturn:
        raise AppendOnly(f"{self.model.__name__}: rows are never removed.")

    def _raw_delete(self, using: str | None) -> NoReturn:
        self.delete()

    def bulk_update(
        self, objs: Iterable[Any], fields: Iterable[str], batch_size: int | None = None
    ) -> NoReturn:
        self.update()

    def bulk_create(self, objs: Iterable[Any], *args: Any, **options: Any) -> list[Any]:
        if options.get("update_conflicts"):
            self.update()
        return super().bulk_create(objs, *args, **options)


class AppendOnlyModel(models.Model):
    """A model gives itself the manager of a query set that is derived from `AppendOnlyQuerySet`."""

    objects: ClassVar[Any]

    class Meta:
        abstract = True

    def save_base(self, *args: Any, **options: Any) -> None:
        """What every `save` comes to; loading a fixture goes past it, to the triggers."""
        if not self._state.adding or (
            self.pk is not None and type(self).objects.filter(pk=self.pk).exists()
        ):
            raise AppendOnly(f"{type(self).__name__}: rows are never changed; add another one.")
        super().save_base(*args, **options)

    def delete(self, *args: Any, **options: Any) -> NoReturn:
        raise AppendOnly(f"{type(self).__name__}: rows are never removed.")
