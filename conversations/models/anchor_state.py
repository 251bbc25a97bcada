"""What the database knows of the anchors in the file: the newest one's number and digest.

One row. Without it the file's last lines could be cut off unseen, and two processes could write.
"""

from __future__ import annotations

from django.db import models


class AnchorState(models.Model):
    number = models.PositiveBigIntegerField()
    digest = models.CharField(max_length=64)
    at = models.DateTimeField()
    # The newest entry's key at the latest anchors, oldest first: [[ISO time, key], …].
    looked_at = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"anchor {self.number}"
