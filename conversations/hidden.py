"""What a text has in it that nobody sees: characters that turn its direction or have no shape.

They are named beside the text and never taken out: what is shown is what was said. Joiners and
direction marks are no such thing: Persian, emoji and Hebrew are written with them. The same list
for the live pages: templates/static/console/hidden.js.
"""

from __future__ import annotations

import re

# U+2400 and U+FFFD stand for what no database keeps: U+0000 and lone surrogates (net/strict_json).
_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u115f\u1160\u17b4\u17b5"
    "\u180e\u200b\u2028-\u202e\u2060-\u206f\u2400\u3164\ufdd0-\ufdef\ufeff\uffa0\ufff0-\ufffb"
    "\ufffd-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U0001fffe\U0001ffff\U000e0001"
    "\U0010fffe\U0010ffff]"
)
NAMED_AT_MOST = 4


def hidden_in(text: str) -> str:
    """ "U+202E U+200B", or "" where there is nothing hidden."""
    found = list(dict.fromkeys(_HIDDEN.findall(text)))
    named = " ".join(f"U+{ord(character):04X}" for character in found[:NAMED_AT_MOST])
    return f"{named} …" if len(found) > NAMED_AT_MOST else named
