"""What a page answers while the database cannot be used: 503, and one line in the log."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template.loader import get_template
from django.utils.deprecation import MiddlewareMixin

from conversations import outages

RETRY_AFTER_S = 5


class DatabaseOutageMiddleware(MiddlewareMixin):
    """Failures of the database's state alone; every other exception is left as it is."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return answer_to_outage(exception)


def answer_to_outage(exception: Exception) -> HttpResponse | None:
    if outages.tell(exception) is None:
        return None
    page = get_template("503.html").render()
    return HttpResponse(page, status=503, headers={"Retry-After": str(RETRY_AFTER_S)})
