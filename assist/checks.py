"""System checks: what would make every stream fail is said at start, with the fix."""

from __future__ import annotations

from typing import Any

from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from assist import conf
from conversations.genesys.protocols.subscription import violations_of


@checks.register(checks.Tags.compatibility)
def check_subscription(**kwargs: Any) -> list[checks.Error]:
    return [
        checks.Error(
            f"No call can be transcribed: {violation} (subscription of protocol §4).",
            hint="See TRANSCRIPTION_* and MAX_CONCURRENT_STREAMS in .env.example.",
            id="assist.E001",
        )
        for violation in violations_of(conf.subscription("interaction"))
    ]


@checks.register(checks.Tags.security)
def check_patterns(**kwargs: Any) -> list[checks.Error]:
    try:
        conf.patterns()
    except ImproperlyConfigured as error:
        return [
            checks.Error(
                str(error),
                hint="One pattern a line: NAME, a space, an RE2 expression.",
                id="assist.E002",
            )
        ]
    return []
