"""Who gets in where: a verdict for each role at each page and each socket. A door that is not in
these tables fails `test_doors.py`, so whoever adds one decides here who may pass.

Words: `in` shown · `on` sent on · `login` sent to log in (data: 401, a socket: 4401) ·
`no` refused (403, 4403) · `none` no such thing, or not theirs (404, 4404).
"""

from __future__ import annotations

from dataclasses import dataclass

ROLES = (
    "anonymous",
    "deactivated",  # had every right, is logged in, and has been switched off since
    "nobody",  # an account without a role
    "agent",
    "supervisor",
    "compliance",
    "admin",
    "superuser",
)

# fmt: off
#                 anonymous deactivated nobody agent supervisor compliance admin superuser
LIVE_WALL       = "login    login       no     in    in         no         in    in"
OWN             = "login    login       no     in    in         no         in    in"
FOREIGN         = "login    login       no     none  in         no         in    in"
MISSING         = "login    login       no     none  none       no         none  none"
OPERATIONS      = "login    login       no     no    in         no         in    in"
DECIDE          = "login    login       no     no    on         no         on    on"
ENGAGEMENT      = "login    login       no     in    in         no         in    in"
CALLS           = "login    login       no     in    in         no         in    in"
EXPORTS         = "login    login       no     no    no         in         no    in"
NO_EXPORT       = "login    login       no     no    no         none       no    none"
SETTINGS        = "login    login       no     no    no         no         on    on"
REPLY           = "login    login       no     in    no         no         no    no"
REPLY_FOREIGN   = "login    login       no     none  no         no         no    no"
NOWHERE         = "none     none        none   none  none       none       none  none"
SIMULATOR       = "login    login       no     in    in         no         in    in"
ANYBODY         = "login    login       in     in    in         in         in    in"
START           = "login    login       on     on    on         on         on    on"
# fmt: on


@dataclass(frozen=True, slots=True)
class Door:
    """`route` as the URL map has it, `address` where it is tried; {letter} is a dead letter."""

    route: str
    address: str
    verdicts: str
    method: str = "GET"

    def of(self, role: str) -> str:
        return self.verdicts.split()[ROLES.index(role)]


PAGES = [
    Door("", "/", START),
    Door("live/", "/live/", LIVE_WALL),
    Door("live/<str:external_id>/messages/", "/live/own/messages/", OWN),
    Door("live/<str:external_id>/messages/", "/live/foreign/messages/", FOREIGN),
    Door("live/<str:external_id>/messages/<int:pk>/", "/live/missing/messages/1/", MISSING),
    Door("live/<str:external_id>/preview/", "/live/own/preview/", REPLY, "POST"),
    Door("live/<str:external_id>/preview/", "/live/foreign/preview/", REPLY_FOREIGN, "POST"),
    Door("live/<str:external_id>/reply/", "/live/own/reply/", REPLY, "POST"),
    Door("live/<str:external_id>/reply/", "/live/foreign/reply/", REPLY_FOREIGN, "POST"),
    Door("live/<str:external_id>/language/", "/live/own/language/", REPLY, "POST"),
    Door("live/<str:external_id>/language/", "/live/foreign/language/", REPLY_FOREIGN, "POST"),
    Door("live/<str:external_id>/", "/live/own/", OWN),
    Door("live/<str:external_id>/", "/live/foreign/", FOREIGN),
    Door("live/<str:external_id>/", "/live/missing/", MISSING),
    Door("account/", "/account/", ANYBODY),
    Door("account/second-factor/", "/account/second-factor/", ANYBODY, "POST"),
    Door("account/second-factor/confirm/", "/account/second-factor/confirm/", START, "POST"),
    Door("account/second-factor/remove/", "/account/second-factor/remove/", START, "POST"),
    Door("account/second-factor/codes/", "/account/second-factor/codes/", START, "POST"),
    Door("simulator/", "/simulator/", SIMULATOR),
    Door("simulator/uploads/", "/simulator/uploads/", SIMULATOR, "POST"),
    Door("session/", "/session/", ANYBODY, "POST"),
    Door("operations/", "/operations/", OPERATIONS),
    Door("operations/review/", "/operations/review/", DECIDE, "POST"),
    Door("operations/dead-letters/", "/operations/dead-letters/", DECIDE, "POST"),
    Door("operations/dead-letters/<int:pk>/", "/operations/dead-letters/{letter}/", OPERATIONS),
    Door("operations/providers/", "/operations/providers/", SETTINGS, "POST"),
    Door("engagement/", "/engagement/", ENGAGEMENT),
    Door("exports/", "/exports/", EXPORTS),
    Door("exports/new/", "/exports/new/", EXPORTS, "POST"),
    Door("exports/<str:key>/cancel/", "/exports/missing/cancel/", NO_EXPORT, "POST"),
    Door("exports/<str:key>/verify/", "/exports/missing/verify/", NO_EXPORT, "POST"),
    Door("exports/<str:key>/link/", "/exports/missing/link/", NO_EXPORT, "POST"),
    Door("exports/files/<str:token>/", "/exports/files/made-up/", NOWHERE),  # test_exporting.py
    Door("assist/", "/assist/", CALLS),
    Door("assist/<str:interaction_id>/", "/assist/own-call/", OWN),
    Door("assist/<str:interaction_id>/", "/assist/foreign-call/", FOREIGN),
    Door("assist/<str:interaction_id>/", "/assist/own/", MISSING),  # a chat
    Door("assist/<str:interaction_id>/", "/assist/new-call/", FOREIGN),  # opening it begins it
]
SOCKETS = [
    Door("ws/simulator/", "/ws/simulator/", SIMULATOR),
    Door("ws/live/", "/ws/live/", LIVE_WALL),
    Door("ws/live/<str:external_id>/", "/ws/live/own/", OWN),
    Door("ws/live/<str:external_id>/", "/ws/live/foreign/", FOREIGN),
    Door("ws/live/<str:external_id>/", "/ws/live/missing/", MISSING),
    Door("ws/assist/<str:external_id>/", "/ws/assist/own-call/", OWN),
    Door("ws/assist/<str:external_id>/", "/ws/assist/foreign-call/", FOREIGN),
    Door("ws/assist/<str:external_id>/", "/ws/assist/own/", MISSING),
    Door("ws/assist/<str:external_id>/", "/ws/assist/new-call/", FOREIGN),
]
# Who may type there: who sees it all and has no part in it is turned out.
TYPING = Door("ws/live/<str:external_id>/", "/ws/live/own/", REPLY)
# Sockets that nobody has made.
NO_SOCKETS = [
    Door("", address, NOWHERE) for address in ("/ws/", "/ws/live/own/more/", "/live/own/", "/")
]

# What each socket understands; whoever is not let in cannot say any of it.
WATCHING = {"ack", "gap"}
MESSAGES = {
    "ws/live/": WATCHING,
    "ws/live/<str:external_id>/": WATCHING | {"keys"},  # TYPING says whose
    "ws/assist/<str:external_id>/": WATCHING,
    # As a guest, from a front end without a login as well …
    "ws/simulator/": {
        "connect",
        "send",
        "again",
        "context",
        "upload",
        "typing",
        "offline",
        "online",
    }
    | {"reply", "seen", "fault", "play", "stop"},  # … and these with one alone
}
FOR_STAFF = {"reply", "seen", "fault", "play", "stop"}

# fmt: off
#                 anonymous deactivated nobody agent supervisor compliance admin superuser
MAY_EXPORT      = "no       no          no     no    no         in         no    in"
MAY_HOLD        = "no       no          no     no    no         in         no    in"
MAY_REVIEW      = "no       no          no     no    in         no         in    in"
MAY_SET         = "no       no          no     no    no         no         in    in"
# fmt: on
EXPORT_KINDS = dict.fromkeys(("transcripts", "audit", "transcription", "engagement"), MAY_EXPORT)
# The admin's own actions; who opens the lists stands in tests/conversations/admin/test_site.py.
ACTIONS = {
    "conversations_conversation.hold": MAY_HOLD,
    "conversations_conversation.erase": MAY_HOLD,
    "conversations_legalhold.lift": MAY_HOLD,
    "conversations_delivery.it_is_there": MAY_REVIEW,
    "conversations_delivery.send_again": MAY_REVIEW,
    "conversations_delivery.drop": MAY_REVIEW,
    "conversations_deadletter.replay": MAY_REVIEW,
    "conversations_deadletter.close": MAY_REVIEW,
    "auth_user.reset_second_factor": MAY_SET,
    "conversations_accesstoken.ask_again": MAY_SET,
    "conversations_loginattempts.let_in": MAY_SET,
    "translation_providerstate.ask_again": MAY_SET,
}

# Doors with another rule than a role, and where that one is tested.
OPEN = {
    "healthz": "open to all: tests/conversations/test_health.py",
    "readyz": "open to all, its reasons are not: tests/conversations/test_health.py",
    "metrics": "by network or token: tests/conversations/test_metrics.py",
    "login/": "where everybody logs in",
    "login/code/": "for whose password was right: tests/conversations/test_second_step.py",
    "logout/": "ends one's own session, by POST",
}
# Below the admin's path each list has its verdicts in tests/conversations/admin/test_site.py;
# here it is tried that nobody of these gets in anywhere.
OUTSIDE_THE_ADMIN = ("anonymous", "deactivated", "nobody", "agent", "supervisor")
