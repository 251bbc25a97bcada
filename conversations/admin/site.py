"""Parley's admin site: who may enter is asked of the one access rule, not of `is_staff`."""

from __future__ import annotations

from functools import wraps
from typing import Any

from csp.decorators import csp_replace
from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from conversations import access
from conversations.login import Door, limited
from conversations.services.decisions import actor_of
from conversations.services.people import acting_as

# Its scripts (jQuery, Select2) make markup of strings; all else of the policy holds here as well.
_UNTRUSTED_TYPES = csp_replace({"require-trusted-types-for": None, "trusted-types": None})

# Shared by every instance. Django imports this module to make the default site; that imports the
# package, whose modules already register on a default site, made while the first is being made.
_REGISTRY: dict[Any, Any] = {}


def may_enter(user: Any) -> bool:
    return access.can(user, "audit") or access.can(user, "settings")


class AdminLoginForm(AuthenticationForm):
    def confirm_login_allowed(self, user: Any) -> None:
        super().confirm_login_allowed(user)
        if not may_enter(user):
            raise ValidationError(
                "This account may not read the records. Ask an administrator for the role "
                "compliance or admin.",
                code="not_allowed",
            )


class ParleyAdminSite(AdminSite):
    site_header = "Parley records"
    site_title = "Parley"
    index_title = "Records"
    login_form = AdminLoginForm
    enable_nav_sidebar = True

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self._registry = _REGISTRY

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """What somebody changes here stands under their name in the journal."""

        @wraps(view)
        def in_ones_name(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            with acting_as(actor_of(request.user)):  # type: ignore[arg-type]
                return view(request, *args, **kwargs)

        return _UNTRUSTED_TYPES(super().admin_view(in_ones_name, cacheable))

    @transaction.atomic
    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return super().password_change(request, extra_context)

    @method_decorator(never_cache)
    @login_not_required
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """As Django's own, through our door."""
        if request.method == "GET" and self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index", current_app=self.name))
        context = {
            **self.each_context(request),
            "title": "Log in",
            "subtitle": None,
            "app_path": request.get_full_path(),
            "username": request.user.get_username(),
        }
        if REDIRECT_FIELD_NAME not in request.GET and REDIRECT_FIELD_NAME not in request.POST:
            context[REDIRECT_FIELD_NAME] = reverse("admin:index", current_app=self.name)
        door = Door.as_view(
            extra_context=context | (extra_context or {}),
            authentication_form=self.login_form,
            template_name="admin/login.html",
        )
        return limited(door)(request)

    def has_permission(self, request: HttpRequest) -> bool:
        return may_enter(request.user)
