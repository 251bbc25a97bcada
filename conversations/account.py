"""`/account/`: one's own second factor. Secret and recovery codes are in one answer each, and in
none afterwards; what takes something away needs a fresh code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp import login as verify

from conversations import access
from conversations.client_address import client_address, network_of
from conversations.login import too_many
from conversations.qr import Picture, picture_of
from conversations.services import second_factor
from conversations.services.login_limits import admit, forgive


@require_safe
@never_cache
@login_required
def account(request: HttpRequest) -> HttpResponse:
    return _page(request)


@require_POST
@never_cache
@login_required
@sensitive_post_parameters("password")
def begin(request: HttpRequest) -> HttpResponse:
    """With the password once more: whoever finds an open session locks its owner not out."""

    def shown(typed: str) -> HttpResponse | None:
        if not check_password(typed, _user(request).password):
            return None
        secret = second_factor.begin(_user(request))
        if secret is None:
            return redirect("account")
        return _page(request, secret=secret.letters, picture=picture_of(secret.address))

    return _limited(request, shown, field="password", where="begin")


@require_POST
@never_cache
@login_required
@sensitive_post_parameters("code")
def confirm(request: HttpRequest) -> HttpResponse:
    """Ends every other session of theirs, as a new password does."""
    found = second_factor.confirm(_user(request), request.POST.get("code", ""))
    if found is None:
        if not second_factor.is_begun(_user(request)):
            return redirect("account")
        return _page(request, wrong="confirm", status=400)
    factor, codes = found
    _read_again(request)
    request.session.cycle_key()
    verify(request, factor)
    return _page(request, codes=codes)


@require_POST
@never_cache
@login_required
@sensitive_post_parameters("code")
def remove(request: HttpRequest) -> HttpResponse:
    def gone(typed: str) -> HttpResponse | None:
        if not second_factor.remove(_user(request), typed):
            return None
        request.session.pop(DEVICE_ID_SESSION_KEY, None)
        request.session.cycle_key()
        return redirect("account")

    return _with_a_code(request, gone, where="remove")


@require_POST
@never_cache
@login_required
@sensitive_post_parameters("code")
def renew(request: HttpRequest) -> HttpResponse:
    def renewed(typed: str) -> HttpResponse | None:
        codes = second_factor.renew_codes(_user(request), typed)
        return _page(request, codes=codes) if codes else None

    return _with_a_code(request, renewed, where="renew")


def _with_a_code(
    request: HttpRequest, act: Callable[[str], HttpResponse | None], *, where: str
) -> HttpResponse:
    if access.second_factor_of(_user(request)) is None:
        return redirect("account")
    return _limited(request, act, field="code", where=where)


def _limited(
    request: HttpRequest, act: Callable[[str], HttpResponse | None], *, field: str, where: str
) -> HttpResponse:
    """Counted as attempts to log in: whoever found an open session guesses no more than there."""
    user, network = _user(request), network_of(client_address(request))
    if wait_s := admit(user.get_username(), network, now=timezone.now()):
        return too_many(request, wait_s)
    answer = act(request.POST.get(field, ""))
    if answer is None:
        return _page(request, wrong=where, status=400)
    forgive(user.get_username(), network)
    return answer


def _page(
    request: HttpRequest,
    *,
    secret: str = "",
    picture: Picture | None = None,
    codes: list[str] | None = None,
    wrong: str = "",
    status: int = 200,
) -> HttpResponse:
    user = _user(request)
    context: dict[str, Any] = {
        "factor": access.second_factor_of(user),
        "is_needed": access.lacks_second_factor(user),
        "roles": sorted(access.groups_of(user)),
        "left": second_factor.codes_left(user),
        "secret": secret,
        "picture": picture,
        "codes": codes,
        "wrong": wrong,
    }
    return render(request, "console/account.html", context, status=status)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - the door let them in
    return request.user


def _read_again(request: HttpRequest) -> None:
    """Without what is kept on it of before."""
    request.user = User.objects.get(pk=_user(request).pk)
