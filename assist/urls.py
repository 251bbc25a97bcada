"""Addresses of the assist pages and of the engagement page."""

from django.urls import path

from assist import views
from assist.engagement.views import engagement

urlpatterns = [
    path("assist/", views.calls, name="assist"),
    path("assist/<str:interaction_id>/", views.call, name="assist-call"),
    path("engagement/", engagement, name="engagement"),
]
