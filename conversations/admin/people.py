"""Users, groups and agents: the only rows that are edited here, by whoever may do settings.

What would give more rights than the editor has stays with superusers: their accounts, the
superuser mark and single permissions. Roles are the four groups; those keep their names.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest

from conversations.access import GROUPS
from conversations.admin.records import may
from conversations.models import Agent


class SettingsAdmin(admin.ModelAdmin):
    """Open to `settings` alone, by the one access rule; Django's permissions are not asked."""

    class Media:
        css: ClassVar = {"all": ("admin_parley/parley.css",)}

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may(request, "settings")

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may(request, "settings")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may(request, "settings")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may(request, "settings")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may(request, "settings")


class ParleyUserAdmin(SettingsAdmin, UserAdmin):
    list_display = ("username", "first_name", "last_name", "roles", "is_active", "last_login")
    list_filter = ("groups", "is_active", "is_superuser")
    fieldsets: ClassVar = [
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Roles", {"fields": ("is_active", "groups", "is_superuser")}),
        ("Times", {"fields": ("last_login", "date_joined")}),
    ]
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()  # the roles are few: boxes to tick

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs["widget"] = forms.CheckboxSelectMultiple
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @admin.display(description="roles")
    def roles(self, record: User) -> str:
        if record.is_superuser:
            return "superuser"
        return ", ".join(group.name for group in record.groups.all()) or "–"

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if request.user.is_superuser else (*fields, "is_superuser")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        if isinstance(obj, User) and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    @transaction.atomic
    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:  # noqa: A002
        """With its entry in the journal, or not at all."""
        return super().user_change_password(request, id, form_url)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # deactivated instead: the record of what somebody changed goes with the row


class ParleyGroupAdmin(SettingsAdmin, GroupAdmin):
    fields = ("name",)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return ("name",) if isinstance(obj, Group) and obj.name in GROUPS else ()

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        if obj is None:  # no deleting in bulk: the roles would be among them
            return False
        return isinstance(obj, Group) and obj.name not in GROUPS and may(request, "settings")


@admin.register(Agent)
class AgentAdmin(SettingsAdmin):
    list_display = ("external_id", "user")
    list_select_related = ("user",)
    search_fields = ("external_id", "user__username")
    autocomplete_fields = ("user",)


for model, model_admin in ((User, ParleyUserAdmin), (Group, ParleyGroupAdmin)):
    if admin.site.is_registered(model):
        admin.site.unregister(model)
    admin.site.register(model, model_admin)
