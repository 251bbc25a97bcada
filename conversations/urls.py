"""Addresses of the console's pages."""

from django.urls import path

from conversations import account, exporting, operations, views
from conversations.guest_page import views as guest_page

urlpatterns = [
    path("", views.index, name="index"),
    path("live/", views.live, name="live"),
    path("live/<str:external_id>/", views.conversation, name="conversation"),
    path("live/<str:external_id>/messages/", views.messages, name="conversation-messages"),
    path("live/<str:external_id>/messages/<int:pk>/", views.message, name="conversation-message"),
    path("live/<str:external_id>/language/", views.language, name="conversation-language"),
    path("exports/", exporting.exports, name="exports"),
    path("exports/new/", exporting.ask, name="export-new"),
    path("exports/files/<str:token>/", exporting.file, name="export-file"),
    path("exports/<str:key>/cancel/", exporting.cancel, name="export-cancel"),
    path("exports/<str:key>/verify/", exporting.verify_file, name="export-verify"),
    path("exports/<str:key>/link/", exporting.link, name="export-link"),
    path("account/", account.account, name="account"),
    path("account/second-factor/", account.begin, name="account-begin"),
    path("account/second-factor/confirm/", account.confirm, name="account-confirm"),
    path("account/second-factor/remove/", account.remove, name="account-remove"),
    path("account/second-factor/codes/", account.renew, name="account-renew"),
    path("simulator/", guest_page.simulator, name="simulator"),
    path("simulator/uploads/", guest_page.upload, name="simulator-uploads"),
    path("operations/", operations.operations, name="operations"),
    path("operations/review/", operations.review, name="operations-review"),
    path("operations/dead-letters/", operations.dead_letters, name="operations-dead-letters"),
    path("operations/dead-letters/<int:pk>/", operations.dead_letter, name="dead-letter"),
    path("operations/providers/", operations.ask_again, name="operations-providers"),
]
