"""Calls and engagement in Django's admin, read only; importing this package registers them on
Parley's site.
"""

from assist.admin import chunk, engagement, hour, interaction, knowledge, watch

__all__ = ["chunk", "engagement", "hour", "interaction", "knowledge", "watch"]
