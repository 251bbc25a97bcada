"""From where the admin can be reached: to everybody else its pages are none.

Asked of the address alone, before anything else sees the request.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils.deprecation import MiddlewareMixin

from conversations.client_address import client_address

_NOWHERE = "/no-such-page"  # nothing is there, nor below


def is_admin_open(request: HttpRequest) -> bool:
    networks = settings.ADMIN_NETWORKS
    if not networks:
        return True
    address = client_address(request)
    return address is not None and any(address in network for network in networks)


class AdminNetworksMiddleware(MiddlewareMixin):
    """Has to be the first: what follows is led to a path that does not exist, so that the answer
    is that of one in every header and byte, the redirect to a slash included."""

    def process_request(self, request: HttpRequest) -> None:
        root = f"/{settings.ADMIN_PATH}"
        if f"{request.path_info}/".startswith(f"{root}/") and not is_admin_open(request):
            request.path_info = _NOWHERE + request.path_info.removeprefix(root)
