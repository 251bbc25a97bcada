"""The date hierarchy without Django's `SELECT DISTINCT` over the whole table.

Only the first and the last date are read, both from the index; what lies between is arithmetic.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.db.models import Max, Min, QuerySet
from django.utils import timezone
from django.utils.formats import date_format


class CalendarChangeList(ChangeList):
    def calendar(self) -> dict[str, Any]:
        """What `admin/date_hierarchy.html` shows: `show`, `back` and `choices`."""
        chosen = self._chosen()
        first, last = self._ends()
        if first is None or last is None:
            return {"show": bool(chosen), "back": self._back(chosen), "choices": []}
        if not chosen and first.year == last.year:
            chosen = [first.year]
        levels = (self._years, self._months, self._days, self._one_day)
        choices = levels[len(chosen)](*chosen, first=first, last=last)
        return {"show": True, "back": self._back(chosen), "choices": choices}

    def _chosen(self) -> list[int]:
        found = []
        for part in ("year", "month", "day"):
            value = self.params.get(f"{self.date_hierarchy}__{part}")
            if value is None:
                break
            found.append(int(str(value)))
        return found

    def _ends(self) -> tuple[date | None, date | None]:
        """Of what is listed: with a year chosen, of that year."""
        field = self.date_hierarchy
        ends = self._dated().order_by().aggregate(first=Min(field), last=Max(field))
        if ends["first"] is None:
            return None, None
        return timezone.localtime(ends["first"]).date(), timezone.localtime(ends["last"]).date()

    def _dated(self) -> QuerySet[Any]:
        """Rows whose dates count."""
        return self.queryset

    def _link(self, *parts: int) -> str:
        names = ("year", "month", "day")
        wanted = {f"{self.date_hierarchy}__{name}": part for name, part in zip(names, parts)}  # noqa: B905
        return str(self.get_query_string(wanted, [f"{self.date_hierarchy}__"]))

    def _back(self, chosen: list[int]) -> dict[str, str] | None:
        if not chosen:
            return None
        if len(chosen) == 1:
            return {"link": self._link(), "title": "All dates"}
        if len(chosen) == 2:
            return {"link": self._link(chosen[0]), "title": str(chosen[0])}
        month = date(chosen[0], chosen[1], 1)
        return {"link": self._link(*chosen[:2]), "title": date_format(month, "YEAR_MONTH_FORMAT")}

    def _years(self, *, first: date, last: date) -> list[dict[str, str]]:
        years = range(first.year, last.year + 1)
        return [{"link": self._link(year), "title": str(year)} for year in years]

    def _months(self, year: int, *, first: date, last: date) -> list[dict[str, str]]:
        months = (date(year, number, 1) for number in range(1, 13))
        return [
            {"link": self._link(year, day.month), "title": date_format(day, "YEAR_MONTH_FORMAT")}
            for day in months
            if (first.year, first.month) <= (year, day.month) <= (last.year, last.month)
        ]

    def _days(self, year: int, month: int, *, first: date, last: date) -> list[dict[str, str]]:
        days = (date(year, month, number) for number in range(1, monthrange(year, month)[1] + 1))
        return [
            {
                "link": self._link(year, month, day.day),
                "title": date_format(day, "MONTH_DAY_FORMAT"),
            }
            for day in days
            if first <= day <= last
        ]

    def _one_day(
        self, year: int, month: int, day: int, *, first: date, last: date
    ) -> list[dict[str, str]]:
        return [{"title": date_format(date(year, month, day), "MONTH_DAY_FORMAT")}]
