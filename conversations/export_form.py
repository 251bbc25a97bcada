"""The form of `/exports/`: what somebody wants, checked, with words for what cannot be."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from django import forms

from conversations.exports.asked import Asked
from conversations.exports.covered import missing
from conversations.exports.sources import kinds, source_of
from conversations.services.export_jobs import Wish

FORMATS = (("csv", "CSV"), ("jsonl", "JSON lines"), ("pdf", "PDF"))
CONVERSATIONS_AT_MOST = 1_000
_MOMENT = forms.DateTimeInput(attrs={"type": "datetime-local", "step": "60"})


class ExportForm(forms.Form):
    kind = forms.ChoiceField(choices=lambda: [(kind, kind) for kind in kinds()])
    file_format = forms.ChoiceField(choices=FORMATS)
    conversations = forms.CharField(required=False, max_length=200 * CONVERSATIONS_AT_MOST)
    since = forms.DateTimeField(required=False, widget=_MOMENT)
    until = forms.DateTimeField(required=False, widget=_MOMENT)
    language = forms.RegexField(
        r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$",
        required=False,
        max_length=35,
        error_messages={"invalid": "Write a language as es or pt-BR."},
    )
    columns = forms.CharField(required=False)  # read as a list, see below
    bom = forms.BooleanField(required=False)
    reason = forms.CharField(max_length=500, error_messages={"required": "Say what it is for."})

    def clean_conversations(self) -> tuple[str, ...]:
        names = tuple(dict.fromkeys(self.cleaned_data["conversations"].replace(",", " ").split()))
        if len(names) > CONVERSATIONS_AT_MOST:
            raise forms.ValidationError(f"At most {CONVERSATIONS_AT_MOST:,} ids at once.")
        if gone := missing(names):
            raise forms.ValidationError(f"There is no conversation {', '.join(gone[:3])}.")
        return names

    def clean_columns(self) -> tuple[str, ...]:
        """As `kind.column`, of the kind that was chosen; all of them are said as none."""
        kind = self.cleaned_data.get("kind")
        if not kind:
            return ()
        chosen = set(cast("Any", self.data).getlist("columns"))
        known = source_of(kind).columns
        columns = tuple(name for name in known if f"{kind}.{name}" in chosen)
        return () if len(columns) == len(known) else columns

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        since, until = values.get("since"), values.get("until")
        if since and until and since >= until:
            self.add_error("until", "The end must be after the beginning.")
        if "kind" in values and "file_format" in values:
            self._check_format(values)
        return values

    def _check_format(self, values: dict[str, Any]) -> None:
        formats = source_of(values["kind"]).formats
        if values["file_format"] not in formats:
            known = dict(FORMATS)
            words = " or ".join(known[one] for one in formats)
            self.add_error("file_format", f"{values['kind'].capitalize()}: {words}.")
        elif values["file_format"] == "pdf" and len(values.get("conversations") or ()) != 1:
            self.add_error("conversations", "A PDF is of one conversation: give its id.")

    def asked(self) -> Asked:
        values = self.cleaned_data
        return Asked(
            conversations=values["conversations"],
            since=_utc(values["since"]),
            until=_utc(values["until"]),
            language=values["language"],
            columns=values["columns"],
            bom=values["bom"] and values["file_format"] == "csv",
        )

    def wish(self) -> Wish:
        values = self.cleaned_data
        asked = self.asked().data()
        return Wish(values["kind"], values["file_format"], asked, values["reason"])


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment else None
