"""The chat simulator's page, and the door for files that are too large for its socket."""

from __future__ import annotations

from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from conversations import access
from conversations.genesys.attachments import GuestFile, check_size, checked_file
from conversations.genesys.exceptions import GuestRefused, UploadFailed
from conversations.guest_page.uploads import borrowed_tools, upload_id

_FORM_BYTES = 64 * 1024  # what a form adds to its file


@require_safe
@never_cache
@login_required
def simulator(request: HttpRequest) -> HttpResponse:
    _admit(request)
    return render(request, "console/simulator.html")


@require_POST
@login_required
def upload(request: HttpRequest) -> HttpResponse:
    """A form with `file`; answers {"uploadId"} or {"error"}. Nothing is said to anybody yet."""
    _admit(request)
    try:
        # Before the form is read: what is far too large is not even looked at.
        check_size(int(request.headers.get("Content-Length") or 0) - _FORM_BYTES)
        given = request.FILES.get("file")
        if given is None:
            return JsonResponse({"error": "a form with a file is wanted"}, status=400)
        check_size(given.size or 0)
        name, declared = str(request.POST.get("filename") or given.name), given.content_type or ""
        file = checked_file(name, given.read(), declared=declared)
    except GuestRefused as refused:
        return JsonResponse({"error": str(refused)}, status=400)
    try:
        metadata = async_to_sync(_upload)(file)
    except UploadFailed as failed:
        return JsonResponse({"error": str(failed), "retry": not failed.is_final}, status=502)
    owner = request.user.pk
    assert owner is not None  # noqa: S101 - login_required
    return JsonResponse({"uploadId": upload_id(metadata, owner=owner)})


async def _upload(file: GuestFile) -> dict[str, object]:
    async with borrowed_tools() as tools:
        return dict(await tools.uploads.upload(file))


def _admit(request: HttpRequest) -> None:
    if not settings.SIMULATOR_PAGE:
        raise Http404
    if not access.can(request.user, "simulator"):
        raise PermissionDenied
