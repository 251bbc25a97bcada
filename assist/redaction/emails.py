"""E-mail addresses, written or said ("john dot doe at example dot com"), and IPv6 addresses."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Set

from assist.redaction.number_words import bare
from assist.redaction.spans import EMAIL, IP, Span

_AT_SIGNS = "@\uff20\ufe6b"
_SAID_AT = frozenset({"at", "arroba", "klammeraffe", "ad"})
_SAID_DOT = frozenset({"dot", "punto", "punkt", "point"})
_SAID_MARKS = frozenset(
    {"underscore", "dash", "hyphen", "plus", "guion", "bajo", "unterstrich", "bindestrich", "minus"}
)
_LONGEST = 80  # tokens on either side of the sign
_TOKEN = re.compile(r"[\w%+~!#$&'*=?^{|}`/-]+|\s+|[^\s]")
_ZONES = frozenset(
    [
        "com",
        "net",
        "org",
        "edu",
        "gov",
        "info",
        "biz",
        "io",
        "co",
        "me",
        "app",
        "dev",
        "online",
        "shop",
        "example",
        "test",
        "invalid",
        "eu",
        "us",
        "uk",
        "de",
        "at",
        "ch",
        "es",
        "mx",
        "ar",
        "cl",
        "pe",
        "fr",
        "it",
        "pt",
        "br",
        "nl",
        "be",
        "pl",
        "se",
        "no",
        "dk",
        "fi",
        "ie",
        "in",
        "jp",
        "cn",
        "au",
        "ca",
    ]
)
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f:]{2,39}(?![\w:])")

_Token = tuple[str, int, int]


def emails_in(text: str) -> list[Span]:
    """For a text with a sign, or with a word for it (`may_have_address`)."""
    tokens = [(m.group(), m.start(), m.end()) for m in _TOKEN.finditer(text)]
    found: list[Span] = []
    floor = 0  # no token belongs to two addresses
    for index, (token, _, _) in enumerate(tokens):
        is_said = bare(token) in _SAID_AT
        if index <= floor or not (is_said or token in _AT_SIGNS):
            continue
        end = _domain_end(tokens, index + 1, is_said=is_said)
        start = _local_start(tokens, index - 1, floor) if end is not None else None
        if start is not None and end is not None:
            found.append(Span(tokens[start][1], tokens[end][2], EMAIL))
            floor = end
    return found


def has_open_address(text: str) -> bool:
    """Whether the text ends in what may be the beginning of an address."""
    words = text[-80:].split()
    if not words:
        return False
    last = bare(words[-1].strip(".,"))
    return "@" in words[-1] or last in _SAID_AT or last in _SAID_DOT or last in _SAID_MARKS


def may_become_address(text: str) -> bool:
    """The same of a line that still grows: its last words may be an address that is being said."""
    words = [bare(word.strip(".,")) for word in text[-120:].split()[-4:]]
    return has_open_address(text) or not (
        _SAID_AT.isdisjoint(words[-2:]) and (_SAID_DOT | _SAID_MARKS).isdisjoint(words)
    )


def is_joint(word: str) -> bool:
    """Whether it joins the parts of an address that is said: dot, at, underscore."""
    return bare(word.strip(".,")) in _SAID_AT | _SAID_DOT | _SAID_MARKS


def may_have_address(text: str, words: Set[str]) -> bool:
    """`words`: those of the text, bare. "At" alone is no sign: a dot belongs to it."""
    if has_sign(text):
        return True
    return not words.isdisjoint(_SAID_AT) and ("." in text or not words.isdisjoint(_SAID_DOT))


def has_sign(text: str) -> bool:
    return any(sign in text for sign in _AT_SIGNS)


def ipv6_in(text: str) -> list[Span]:
    if text.count(":") < 2:
        return []
    return [
        Span(match.start(), match.end(), IP)
        for match in _IPV6.finditer(text)
        if match.group().count(":") >= 2 and _is_ipv6(match.group())
    ]


def _is_ipv6(value: str) -> bool:
    try:
        return ipaddress.ip_address(value).version == 6 and any(c.isalnum() for c in value)
    except ValueError:
        return False


def _domain_end(tokens: list[_Token], index: int, *, is_said: bool) -> int | None:
    """The last token of labels with dots between them; a said one ends in a known zone."""
    index = _past_space(tokens, index)
    dots, end, spelled = 0, None, 0
    while index < len(tokens) and spelled < _LONGEST:
        label = tokens[index][0]
        if not _is_label(label):
            break
        following = _past_space(tokens, index + 1)
        if dots and (_zone_of(label) or (not is_said and _is_zone(label))):
            end = index
        if following < len(tokens) and _is_dot(tokens[following][0]):
            dots += 1
            after = _past_space(tokens, following + 1)
            if is_said and tokens[following][0] == "." and after > following + 1:
                break  # "at home. At ten": a sentence ends
            # "….com. Thanks": a sentence ends here, unless a zone follows.
            if end is not None and after > following + 1 and not _ends_in_zone(tokens, after):
                break
            index = after
        elif is_said or (following == index + 1 and _is_mark(tokens, following)):
            # "my dash company dot com", "g mail dot com": labels may be said in pieces.
            if end is not None:
                break
            index, spelled = following, spelled + 1
        else:
            break
        spelled += 1
        if is_said and spelled > 12:
            break
    return end


def _ends_in_zone(tokens: list[_Token], index: int) -> bool:
    return index < len(tokens) and _zone_of(tokens[index][0])


def _local_start(tokens: list[_Token], index: int, floor: int) -> int | None:
    """Back over the name; words are taken in only where a said mark or dot joins them."""
    index = _before_space(tokens, index)
    if index < 0 or index <= floor > 0 or not _is_name(tokens[index][0]):
        return None
    start = index
    for _ in range(_LONGEST):
        before = index - 1
        if before < 0:
            break
        if tokens[before][0] in "._" or _is_name(tokens[before][0]):
            index = start = before  # written together
            continue
        joint = _before_space(tokens, before)
        if joint < 0 or not _joins(tokens[joint][0], tokens[index][0]):
            break
        index = start = joint
        if floor and start <= floor:
            break
    while start < len(tokens) and tokens[start][0] in "._":
        start += 1
    return start


def _joins(word: str, following: str) -> bool:
    """Whether `word`, with a space behind it, still belongs to the name that goes on."""
    left, right = bare(word), bare(following)
    marks = _SAID_DOT | _SAID_MARKS
    if left in marks or word in "._-":
        return True
    if right in marks or following in "._-":
        return _is_name(word)
    # Spelled out: single letters and digits.
    return len(word) == 1 and word.isalnum() and len(following) == 1


def _past_space(tokens: list[_Token], index: int) -> int:
    while index < len(tokens) and tokens[index][0].isspace():
        index += 1
    return index


def _before_space(tokens: list[_Token], index: int) -> int:
    while index >= 0 and tokens[index][0].isspace():
        index -= 1
    return index


def _is_name(token: str) -> bool:
    return any(character.isalnum() for character in token)


def _is_label(token: str) -> bool:
    return all(character.isalnum() or character in "-_" for character in token)


def _is_dot(token: str) -> bool:
    return token in (".", "\uff0e", "\u3002") or bare(token) in _SAID_DOT


def _is_mark(tokens: list[_Token], index: int) -> bool:
    return index < len(tokens) and bare(tokens[index][0]) in _SAID_MARKS


def _zone_of(label: str) -> bool:
    return bare(unicodedata.normalize("NFKC", label)) in _ZONES


def _is_zone(label: str) -> bool:
    return 2 <= len(label) <= 24 and label.isalpha()
