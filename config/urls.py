"""The URL map."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import include, path

from conversations import health, metrics
from conversations.login import Door, limited
from conversations.second_step import second_step
from conversations.session_limits import session

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("", include("conversations.urls")),
    path("", include("translation.urls")),
    path("", include("assist.urls")),
    path(
        "login/",
        limited(Door.as_view(template_name="console/login.html", redirect_authenticated_user=True)),
        name="login",
    ),
    path("login/code/", second_step, name="second-step"),
    path("session/", session, name="session"),
    path("logout/", auth_views.LogoutView.as_view(), name="logout"),
    path(f"{settings.ADMIN_PATH}/", admin.site.urls),
]
