"""What goes with a chunk's text: the articles that were looked up for it, by what was said.

Named in the settings (ERASURE_CONTRIBUTIONS); runs in the transaction of the erasure.
"""

from __future__ import annotations

from collections.abc import Collection

from assist.models import Suggestion


def forget_suggestions(message_ids: Collection[int]) -> None:
    Suggestion.objects.filter(chunk_id__in=message_ids).delete()
