"""Calls in Django's admin, read only; importing this package registers them on Parley's site."""

from assist.admin import chunk, hour, knowledge, watch

__all__ = ["chunk", "hour", "knowledge", "watch"]
