"""Addresses of the console's pages."""

from django.urls import path

from conversations import views

urlpatterns = [
    path("", views.index, name="index"),
    path("live/", views.live, name="live"),
    path("live/<str:external_id>/", views.conversation, name="conversation"),
]
