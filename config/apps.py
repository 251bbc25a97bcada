"""Parley's own applications in this package: the composition, and Django's admin on our site."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class ParleyConfig(AppConfig):
    default = True
    name = "config"


class ParleyAdminConfig(admin_apps.AdminConfig):
    default = False
    default_site = "conversations.admin.site.ParleyAdminSite"
