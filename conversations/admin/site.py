"""Parley's admin site: who may enter is asked of the one access rule, not of `is_staff`."""

from __future__ import annotations

from typing import Any

from csp.decorators import csp_replace
from django.contrib.admin import AdminSite
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from conversations import access
from conversations.login import limited

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
        return _UNTRUSTED_TYPES(super().admin_view(view, cacheable))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return limited(super().login)(request, extra_context)

    def has_permission(self, request: HttpRequest) -> bool:
        return may_enter(request.user)
