"""Where a request comes from: whoever connected, or whom a proxy that we trust speaks for."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

Address = IPv4Address | IPv6Address
UNKNOWN = "unknown"


def parsed(text: str) -> Address | None:
    """An address as it is compared: IPv4 within IPv6 is IPv4; a port after it is left out."""
    text = text.strip()
    if text.count(":") == 1:
        text = text.partition(":")[0]
    elif text.startswith("["):
        text = text[1:].partition("]")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def client_address(request: HttpRequest) -> Address | None:
    """TRAP: X-Forwarded-For is whatever a client likes to write. It is read from its end, and only
    as far as those go who are in TRUSTED_PROXIES."""
    hops = [request.META.get("REMOTE_ADDR", "")]
    hops += reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(","))
    nearest: Address | None = None
    for hop in hops:
        address = parsed(hop)
        if address is None:
            return nearest
        nearest = address
        if not any(address in network for network in settings.TRUSTED_PROXIES):
            return address
    return nearest


def network_of(address: Address | None) -> str:
    """What one customer of a provider has: /24, and /64 of IPv6."""
    if address is None:
        return UNKNOWN
    width = 24 if address.version == 4 else 64
    return str(ip_network(f"{address}/{width}", strict=False))
