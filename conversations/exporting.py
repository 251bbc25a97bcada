"""The exports page: what is wanted, the first rows of it, the jobs and their files.

A door that asks `access`, then a service. Whoever is refused is noted in the journal. Works
without JavaScript; with it, exports.js reads the job list again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
)
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from conversations import access
from conversations.export_form import FORMATS, ExportForm
from conversations.export_list import jobs
from conversations.exports import manifest as manifests
from conversations.exports.job import manifest_path, shown_name
from conversations.exports.link import Link, link_of, token_for
from conversations.exports.preview import preview
from conversations.exports.sources import kinds, source_of
from conversations.exports.verifying import Report, verify
from conversations.file_response import file_response
from conversations.models import Export, JournalEntry
from conversations.services import export_jobs
from conversations.services.anchors import signing_key
from conversations.services.console_journal import note, note_refusal
from conversations.services.decisions import actor_of
from conversations.services.exports import export_folder

View = Callable[..., HttpResponse]

_ROWS_READ_UP_TO = 64 * 1024 * 1024  # bytes; a larger file's rows are read by the command
_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl; charset=utf-8",
    "pdf": "application/pdf",
    "manifest": "application/json",
}


def door(what: str) -> Callable[[View], View]:
    """Lets in whoever may export; `what` they were refused is noted."""

    def guarded(view: View) -> View:
        @never_cache
        @wraps(view)
        def enter(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            if not request.user.is_authenticated:
                return redirect_to_login(reverse("exports"))
            if not access.can(request.user, "export"):
                note_refusal(actor=actor_of(request.user), what=what)
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return enter

    return guarded


@door("page")
@require_safe
def exports(request: HttpRequest) -> HttpResponse:
    return _page(request, ExportForm(initial={"kind": kinds()[0], "file_format": "csv"}))


@door("request")
@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    """A preview, or the job itself."""
    form = ExportForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=400)
    if request.POST.get("do") != "start":
        return _page_with_preview(request, form)
    export_jobs.request_export(form.wish(), actor=actor_of(_user(request)), user=_user(request))
    messages.success(request, "Asked for. It is in the list below.")
    return HttpResponseRedirect(f"{reverse('exports')}#jobs")


@door("cancel")
@require_POST
def cancel(request: HttpRequest, key: str) -> HttpResponse:
    export = get_object_or_404(Export, key=key)
    if export_jobs.cancel(export, actor=actor_of(_user(request))):
        messages.success(request, "Cancelled.")
    else:
        messages.warning(request, "It had ended already.")
    return _back()


@door("verify")
@require_POST
def verify_file(request: HttpRequest, key: str) -> HttpResponse:
    """The file as it lies there, against what the manifest said when it was written."""
    export = get_object_or_404(Export, key=key, state=Export.State.FINISHED, is_command=False)
    report = _report_on(export)
    data = {"export": export.key, "holds": bool(report and report.holds)}
    note(JournalEntry.Kind.EXPORT_VERIFIED, actor=actor_of(_user(request)), data=data)
    if report is None:
        messages.error(request, f"{shown_name(export)}: the file cannot be read.")
    elif report.holds:
        messages.success(request, f"{shown_name(export)} holds: {_ratios(report)}.")
    else:
        words = "; ".join(map(str, report.faults[:3])) or "its signature was not looked at"
        messages.error(request, f"{shown_name(export)} does not hold: {words}.")
    return _back()


@door("link")
@require_POST
def link(request: HttpRequest, key: str) -> HttpResponse:
    """To a file, for this user and for a quarter of an hour."""
    what = "manifest" if request.POST.get("what") == "manifest" else "file"
    export = get_object_or_404(Export, key=key)
    if not (export.manifest and (what == "manifest" or export.state == Export.State.FINISHED)):
        raise Http404
    token = token_for(Link(export.key, _user(request).pk, what))  # type: ignore[arg-type]
    return HttpResponseRedirect(reverse("export-file", args=[token]))


@never_cache
@require_safe
async def file(request: HttpRequest, token: str) -> HttpResponseBase:
    """Whatever is not in order about the link answers as a file that never was."""
    found = await sync_to_async(_fetched)(request, token)
    if found is None:
        raise Http404
    export, path, content_type, shown = found
    return await file_response(
        request, path, name=shown, content_type=content_type, tag=export.sha256
    )


def _fetched(request: HttpRequest, token: str) -> tuple[Export, Path, str, str] | None:
    wanted = link_of(token)
    user = request.user
    actor = actor_of(user) if user.is_authenticated else "anonymous"
    export = Export.objects.filter(key=wanted.export).first() if wanted else None
    is_theirs = wanted is not None and user.is_authenticated and wanted.user == user.pk
    if wanted is None or export is None or not is_theirs or not access.can(user, "export"):
        note_refusal(actor=actor, what="file", export=export.key if export else "")
        return None
    if wanted.what == "manifest":
        path, kind, shown = manifest_path(export), "manifest", shown_name(export) + manifests.SUFFIX
    else:
        path, kind, shown = (
            export_folder() / export.file_name,
            export.file_format,
            shown_name(export),
        )
    if not path.is_file() or (kind != "manifest" and export.state != Export.State.FINISHED):
        return None
    if request.method == "GET":
        export_jobs.note_fetch(
            export, what=wanted.what, actor=actor, range_asked=request.headers.get("Range", "")
        )
    return export, path, _TYPES[kind], shown


def _page(
    request: HttpRequest, form: ExportForm, *, status: int = 200, **more: object
) -> HttpResponse:
    chosen = set(request.POST.getlist("columns")) if request.method == "POST" else None
    context = {
        "form": form,
        "kinds": [
            {
                "name": kind,
                "formats": " ".join(source_of(kind).formats),
                "columns": [
                    {"name": name, "chosen": chosen is None or f"{kind}.{name}" in chosen}
                    for name in source_of(kind).columns
                ],
            }
            for kind in kinds()
        ],
        "formats": FORMATS,
        "jobs": jobs(),
        "public_key": _public_key(),
        **more,
    }
    return render(request, "console/exports.html", context, status=status)


def _page_with_preview(request: HttpRequest, form: ExportForm) -> HttpResponse:
    wish, asked = form.wish(), form.asked()
    found = preview(wish.kind, wish.file_format, asked)
    data = {"kind": wish.kind, "format": wish.file_format, "rows": len(found.rows), **wish.asked}
    note(JournalEntry.Kind.EXPORT_PREVIEWED, actor=actor_of(_user(request)), data=data)
    return _page(request, form, preview=found)


def _report_on(export: Export) -> Report | None:
    key = signing_key().public_key() if settings.JOURNAL_SIGNING_KEY else None
    try:
        values = manifests.read(export.manifest)
        path = export_folder() / export.file_name
        return verify(path, values, key, read_rows=export.size <= _ROWS_READ_UP_TO)
    except (OSError, ValueError):
        return None


def _ratios(report: Report) -> str:
    rows = f"{report.rows} of {report.rows_promised} rows, " if report.rows is not None else ""
    return f"{rows}{report.valid_blocks} of {report.blocks} blocks as written, signature valid"


def _public_key() -> str:
    if not settings.JOURNAL_SIGNING_KEY:
        return ""
    return signing_key().public_key().public_bytes_raw().hex()


def _back() -> HttpResponseRedirect:
    return HttpResponseRedirect(f"{reverse('exports')}#jobs")


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - the door let them in
    return request.user
