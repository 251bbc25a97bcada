"""Addresses of the reply box: what a page of a conversation posts."""

from django.urls import path

from translation import views

urlpatterns = [
    path("live/<str:external_id>/preview/", views.preview, name="conversation-preview"),
    path("live/<str:external_id>/reply/", views.reply, name="conversation-reply"),
]
