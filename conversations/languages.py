"""Language tags: one canonical form (BCP 47), and when two tags are one language.

Pure. Providers, browsers and the platform spell tags differently (`EN-US`, `pt_BR`, `iw`);
everything of ours compares with `is_same_language`, never with `==`.
"""

from __future__ import annotations

import re

UNDETERMINED = "und"

_MAX_LENGTH = 35  # RFC 5646 §4.4.1: room for every tag that occurs
# Extensions and private use say how to format, not which language: matched, then left out.
_TAG = re.compile(
    r"(?P<language>[a-z]{2,3})(?:-(?P<extended>[a-z]{3}))?"
    r"(?:-(?P<script>[a-z]{4}))?(?:-(?P<region>[a-z]{2}|[0-9]{3}))?"
    r"(?P<variants>(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*)"
    r"(?:-[a-wyz0-9](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?"
)
# Withdrawn codes, and three-letter codes of languages that have a two-letter one.
_ALIASES = {
    "iw": "he", "in": "id", "ji": "yi", "jw": "jv", "mo": "ro", "cmn": "zh", "tl": "fil",
    "mul": UNDETERMINED, "mis": UNDETERMINED,
    "ara": "ar", "bul": "bg", "ces": "cs", "cze": "cs", "dan": "da", "deu": "de", "ger": "de",
    "ell": "el", "gre": "el", "eng": "en", "spa": "es", "est": "et", "fin": "fi", "fra": "fr",
    "fre": "fr", "heb": "he", "hun": "hu", "ind": "id", "ita": "it", "jpn": "ja", "kor": "ko",
    "lit": "lt", "lav": "lv", "nob": "nb", "nld": "nl", "dut": "nl", "nor": "no", "pol": "pl",
    "por": "pt", "ron": "ro", "rum": "ro", "rus": "ru", "slk": "sk", "slo": "sk", "slv": "sl",
    "swe": "sv", "tha": "th", "tur": "tr", "ukr": "uk", "vie": "vi", "zho": "zh", "chi": "zh",
}  # fmt: skip
_MACRO = {"no": "nb"}
_SCRIPTS = {
    "ar": "Arab", "be": "Cyrl", "bg": "Cyrl", "el": "Grek", "fa": "Arab", "he": "Hebr",
    "hi": "Deva", "ja": "Jpan", "kk": "Cyrl", "ko": "Kore", "mk": "Cyrl", "ru": "Cyrl",
    "sr": "Cyrl", "th": "Thai", "uk": "Cyrl", "ur": "Arab", "zh": "Hans",
}  # fmt: skip
_TRADITIONAL = frozenset({"TW", "HK", "MO"})
_NAMES = {
    "ar": "Arabic", "be": "Belarusian", "bg": "Bulgarian", "ca": "Catalan", "cs": "Czech",
    "cy": "Welsh", "da": "Danish", "de": "German", "el": "Greek", "en": "English",
    "es": "Spanish", "et": "Estonian", "eu": "Basque", "fa": "Persian", "fi": "Finnish",
    "fil": "Filipino", "fr": "French", "ga": "Irish", "gl": "Galician", "he": "Hebrew",
    "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian", "id": "Indonesian", "is": "Icelandic",
    "it": "Italian", "ja": "Japanese", "ko": "Korean", "lt": "Lithuanian", "lv": "Latvian",
    "ms": "Malay", "nb": "Norwegian Bokmål", "nl": "Dutch", "nn": "Norwegian Nynorsk",
    "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian",
    "sk": "Slovak", "sl": "Slovenian", "sq": "Albanian", "sr": "Serbian", "sv": "Swedish",
    "th": "Thai", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese",
    "zh": "Chinese",
}  # fmt: skip
_VARIETIES = {
    "en-GB": "English (British)", "en-US": "English (American)",
    "es-419": "Spanish (Latin America)", "pt-BR": "Portuguese (Brazil)",
    "pt-PT": "Portuguese (Portugal)", "zh-Hans": "Chinese (simplified)",
    "zh-Hant": "Chinese (traditional)",
}  # fmt: skip


def canonical(tag: str) -> str:
    """`EN-US` → `en-US`, `pt_br` → `pt-BR`, `ZH-HANS` → `zh-Hans`; what is no tag → `und`."""
    spelled = tag.strip().partition(".")[0].partition("@")[0].replace("_", "-")
    if not spelled.isascii() or len(spelled) > _MAX_LENGTH:
        return UNDETERMINED
    found = _TAG.fullmatch(spelled.lower())
    if found is None:
        return UNDETERMINED
    language = found["extended"] or found["language"]
    language = _ALIASES.get(language, language)
    if language == UNDETERMINED:
        return UNDETERMINED
    script, region = (found["script"] or "").title(), (found["region"] or "").upper()
    parts = [language, script, region, found["variants"].strip("-")]
    return "-".join(part for part in parts if part)


def base(tag: str) -> str:
    """The language alone: `pt-BR` → `pt`."""
    return canonical(tag).partition("-")[0]


def script(tag: str) -> str:
    """The script a tag names or implies: `zh-TW` → `Hant`, `sr` → `Cyrl`, `fr` → `Latn`."""
    language, *rest = canonical(tag).split("-")
    named = next((part for part in rest if len(part) == 4 and part.isalpha()), None)
    if named is not None:
        return named
    if language == "zh" and _TRADITIONAL & set(rest):
        return "Hant"
    return _SCRIPTS.get(_MACRO.get(language, language), "Latn")


def is_same_language(a: str, b: str) -> bool:
    """Whether a reader of one reads the other: regions do not matter, scripts do.

    TRAP: `EN` and `en-US` are one language; comparing the strings never finds that out, and
    every message is translated into its own language. What is not known equals nothing.
    """
    first, second = base(a), base(b)
    if UNDETERMINED in {first, second}:
        return False
    if _MACRO.get(first, first) != _MACRO.get(second, second):
        return False
    return script(a) == script(b)


def choices() -> list[tuple[str, str]]:
    """Every language that has a name here, for people to choose from: tags and names, by name."""
    return sorted((_NAMES | _VARIETIES).items(), key=lambda choice: choice[1])


def display(tag: str) -> str:
    """Upper form for attributes and badges: `es` → `ES`; empty when the language is not known."""
    known = canonical(tag)
    return "" if known == UNDETERMINED else known.upper()


def name(tag: str) -> str:
    """In English, for people: `pt-BR` → `Portuguese (Brazil)`; a rare one is its own code."""
    known = canonical(tag)
    if known == UNDETERMINED:
        return "Unknown"
    if known in _VARIETIES:
        return _VARIETIES[known]
    language, _, rest = known.partition("-")
    if language not in _NAMES:
        return known
    return f"{_NAMES[language]} ({rest})" if rest else _NAMES[language]
