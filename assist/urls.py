"""Addresses of the assist pages."""

from django.urls import path

from assist import views

urlpatterns = [
    path("assist/", views.calls, name="assist"),
    path("assist/<str:interaction_id>/", views.call, name="assist-call"),
]
