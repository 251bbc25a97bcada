"""Typed readers of the environment; the only module that reads it. `NAME_FILE` names a file."""

from __future__ import annotations

import os
import re
from ipaddress import IPv4Network, IPv6Network, ip_interface, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

_FALSE = {"", "0", "false", "no", "off"}
_TRUE = {"1", "true", "yes", "on"}


def text(name: str, default: str = "") -> str:
    """The setting `name`, from the environment or from the file that `NAME_FILE` names."""
    if name in os.environ:
        return os.environ[name].strip()
    path = os.environ.get(f"{name}_FILE")
    if not path:
        return default
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"{name}_FILE: cannot read {path} ({error.strerror}). Fix the path or unset it."
        ) from error


def flag(name: str, *, default: bool) -> bool:
    value = text(name, str(default)).lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}.")


def number(name: str, default: int, *, low: int = 0, high: int | None = None) -> int:
    value = text(name, str(default))
    try:
        parsed = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from None
    if parsed < low or (high is not None and parsed > high):
        limits = f"from {low} to {high}" if high is not None else f"at least {low}"
        raise ImproperlyConfigured(f"{name} must be {limits}, not {parsed}.")
    return parsed


def items(name: str, default: str = "") -> list[str]:
    """A list separated by commas or spaces."""
    return text(name, default).replace(",", " ").split()


def items_of(name: str, allowed: tuple[str, ...]) -> list[str]:
    found = items(name)
    for value in found:
        if value not in allowed:
            raise ImproperlyConfigured(
                f"{name} must be some of {', '.join(allowed)}, not {value!r}."
            )
    return found


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    """A list of networks in CIDR notation; a single address is a network of one."""
    found = []
    for value in items(name):
        try:
            found.append(ip_network(value))
        except ValueError as error:
            raise ImproperlyConfigured(
                f"{name}: {value!r} is no network ({error}). Write {_instead_of(value)}."
            ) from None
    return found


def _instead_of(value: str) -> str:
    """Where an address stands for its network, either may be meant."""
    try:
        meant = ip_interface(value)
    except ValueError:
        return "for example 10.0.0.0/8"
    return f"{meant.network}, or {meant.ip} for that address alone"


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = text(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(allowed)}, not {value!r}.")
    return value


def url(name: str, default: str, schemes: tuple[str, ...]) -> str:
    """An address with a host; never repeated in an error, because it may hold a password."""
    value = text(name) or default
    try:
        parts = urlsplit(value)
        is_good = not value or (parts.scheme in schemes and bool(parts.hostname))
        parts.port  # noqa: B018 - raises where it is no number
    except ValueError:
        is_good = False
    if not is_good:
        raise ImproperlyConfigured(
            f"{name} must be an address that begins with "
            f"{' or '.join(f'{scheme}://' for scheme in schemes)} and names a host."
        )
    return value


def key(name: str, *, default: str = "") -> str:
    """A secret of at least 32 characters; required where there is no default."""
    value = text(name, default)
    if not value:
        raise ImproperlyConfigured(
            f"{name} is not set. Give it at least 32 random characters, for example: "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
    if len(value) < 32:
        raise ImproperlyConfigured(f"{name} is too short: at least 32 characters.")
    return value


def hex_key(name: str, *, digits: int) -> str:
    """A key as hexadecimal digits; "" where it is not set."""
    value = text(name).lower()
    if value and not re.fullmatch(f"[0-9a-f]{{{digits}}}", value):
        raise ImproperlyConfigured(
            f"{name} must be {digits} hexadecimal digits, for example from: "
            f"openssl rand -hex {digits // 2}"
        )
    return value
