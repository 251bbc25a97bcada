"""Users, groups and agents: the only rows that are edited here, by whoever may do settings.

What would give more rights than the editor has stays with superusers: their accounts, the
superuser mark and single permissions. Roles are the four groups; those keep their names.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from conversations import access
from conversations.access import GROUPS
from conversations.admin.confirmation import Question, answered, ask
from conversations.admin.decisions import person
from conversations.admin.records import may
from conversations.models import Agent
from conversations.services.decisions import actor_of
from conversations.services.second_factor import reset


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
        ("Second factor", {"fields": ("second_factor_word",)}),
        ("Times", {"fields": ("last_login", "date_joined")}),
    ]
    readonly_fields = ("last_login", "date_joined", "second_factor_word")
    actions = ("reset_second_factor",)
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

    @admin.display(description="state")
    def second_factor_word(self, record: User) -> str:
        return "in force" if access.second_factor_of(record) else "none"

    def has_reset_permission(self, request: HttpRequest) -> bool:
        return may(request, "settings")

    @admin.action(description="Reset the second factor…", permissions=["reset"])
    def reset_second_factor(
        self, request: HttpRequest, queryset: QuerySet[User]
    ) -> HttpResponse | None:
        """Of somebody who has lost theirs; one's own needs a code, on one's own page."""
        chosen = [user for user in queryset.order_by("pk") if self._may_reset(request, user)]
        if not chosen:
            self.message_user(
                request,
                "Nothing to reset: they have no second factor, or it is a superuser's. Your own "
                "you remove on your account's page.",
                messages.WARNING,
            )
            return None
        question = Question(
            action="reset_second_factor",
            title="Reset the second factor",
            lines=[user.get_username() for user in chosen],
            button="Reset",
            advice="How you know that it is they who ask. Their password alone lets them in then.",
        )
        keys = [user.pk for user in chosen]
        reason = answered(request, question)
        if not reason:
            return ask(request, self, question, keys)
        with transaction.atomic():
            for user in chosen:
                reset(user, actor=actor_of(person(request)))
                self.log_change(request, user, f"Second factor reset: {reason}")
        self.message_user(request, f"{len(chosen)} reset.", messages.SUCCESS)
        return None

    def _may_reset(self, request: HttpRequest, user: User) -> bool:
        is_theirs = user.pk != request.user.pk and access.second_factor_of(user) is not None
        return is_theirs and self.has_change_permission(request, user)

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
