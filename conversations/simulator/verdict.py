"""Did it go as written? Reads a ledger and says what was lost, doubled, misplaced or wrong.

Pure: the same ledger gives the same verdict, whether taken from a world or over HTTP.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

Entry = Mapping[str, Any]
Finding = dict[str, Any]


@dataclass(slots=True)
class Verdict:
    """Empty lists mean that all is well; `extra_puts` are harmless repetitions."""

    expected: int = 0
    delivered: int = 0
    lost: list[Finding] = field(default_factory=list)
    doubled: list[Finding] = field(default_factory=list)
    out_of_order: list[Finding] = field(default_factory=list)
    wrong_texts: list[Finding] = field(default_factory=list)
    loops: list[Finding] = field(default_factory=list)
    wrong_attributes: list[Finding] = field(default_factory=list)
    missing_puts: list[Finding] = field(default_factory=list)
    extra_puts: list[Finding] = field(default_factory=list)

    @property
    def problems(self) -> dict[str, list[Finding]]:
        harmless = {"expected", "delivered", "extra_puts"}
        return {
            name: found for name, found in asdict(self).items() if name not in harmless and found
        }

    @property
    def is_good(self) -> bool:
        return not self.problems


@dataclass(slots=True)
class _Spoken:
    text: str
    language: str
    answers: frozenset[str]  # the texts that would be right to deliver


@dataclass(slots=True)
class _Line:
    """One conversation: what was said, what was delivered, what was written."""

    spoken: list[_Spoken] = field(default_factory=list)
    posts: list[Entry] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)  # of the posts; parts of one text are one
    puts: list[Entry] = field(default_factory=list)


def check(ledger: Iterable[Entry]) -> Verdict:
    entries = list(ledger)
    verdict = Verdict()
    for key, line in _lines(entries).items():
        verdict.expected += len(line.spoken)
        _check_deliveries(key, line, verdict)
        _check_attributes(key, line, verdict)
    _check_loops(entries, verdict)
    return verdict


def check_by_conversation(ledger: Iterable[Entry]) -> dict[str, Verdict]:
    """One verdict for each conversation; loops are not tied to one and are left out."""
    found: dict[str, Verdict] = {}
    for key, line in _lines(list(ledger)).items():
        verdict = found[key] = Verdict(expected=len(line.spoken))
        _check_deliveries(key, line, verdict)
        _check_attributes(key, line, verdict)
    return found


def _lines(entries: Sequence[Entry]) -> dict[str, _Line]:
    answers = _answers(entries)
    lines: defaultdict[str, _Line] = defaultdict(_Line)
    for entry in entries:
        if entry["kind"] == "event" and entry["role"] == "guest":
            line = lines[entry["conversationId"]]
            if entry.get("needs_translation"):
                line.spoken.append(_spoken(entry, answers))
        elif entry["kind"] == "post" and entry["applied"] and entry["from"]["type"] == "guest":
            lines[entry["conversationId"]].posts.append(entry)
        elif entry["kind"] == "put" and entry["applied"]:
            lines[entry["conversationId"]].puts.append(entry)
    for line in lines.values():
        line.posts.sort(key=lambda post: post["applied_index"])  # late ones were applied late
        line.texts = _joined([post["text"] for post in line.posts], line.spoken)
    return lines


def _joined(texts: list[str], spoken: Sequence[_Spoken]) -> list[str]:
    """Texts one after the other that together are one translation: it was too long for one message.

    White space where it was cut does not count.
    """
    answers = {answer for one in spoken for answer in one.answers}
    joined, at = [], 0
    while at < len(texts):
        text, count = texts[at], 1
        if text not in answers:
            counts = ((answer, _parts_of(answer, texts, at)) for answer in answers)
            text, count = next((found for found in counts if found[1]), (text, 1))
        joined.append(text)
        at += count
    return joined


def _parts_of(whole: str, texts: Sequence[str], at: int) -> int:
    """How many texts from there on are together the whole one; 0: they are not."""
    rest = whole.strip()
    for end in range(at, len(texts)):
        part = texts[end].strip()
        if not part or not rest.startswith(part):
            return 0
        rest = rest[len(part) :].lstrip()
        if not rest:
            return end + 1 - at
    return 0


def _answers(entries: Sequence[Entry]) -> dict[str, set[str]]:
    """What the translation service said for each text: right for texts nobody wrote down."""
    answers: defaultdict[str, set[str]] = defaultdict(set)
    for entry in entries:
        if entry["kind"] == "translate":
            for text, result in zip(entry["texts"], entry["results"], strict=False):
                answers[text].add(result["text"])
    return answers


def _spoken(entry: Entry, answers: Mapping[str, set[str]]) -> _Spoken:
    written = entry.get("translation")
    right = frozenset({written}) if written else frozenset(answers.get(entry["text"], set()))
    return _Spoken(entry["text"], entry.get("language") or "", right)


def _check_deliveries(key: str, line: _Line, verdict: Verdict) -> None:
    texts = line.texts
    in_place = _longest_common(line.spoken, texts)
    verdict.delivered += len(in_place)
    left = [one for index, one in enumerate(line.spoken) if index not in in_place]
    placed = set(in_place.values())
    for index, text in enumerate(texts):
        if index in placed:
            continue
        finding = {"conversationId": key, "text": text}
        misplaced = next((one for one in left if text in one.answers), None)
        if misplaced is not None:
            left.remove(misplaced)
            verdict.delivered += 1
            verdict.out_of_order.append({**finding, "original": misplaced.text})
        elif any(text in one.answers for one in line.spoken):
            verdict.doubled.append(finding)
        else:
            verdict.wrong_texts.append(finding)
    for one in left:
        verdict.lost.append({"conversationId": key, "original": one.text,
                             "expected": sorted(one.answers)})  # fmt: skip


def _longest_common(spoken: Sequence[_Spoken], texts: Sequence[str]) -> dict[int, int]:
    """Spoken index → post index, of the longest series that stands in both in the same order."""
    start, end_s, end_t = 0, len(spoken), len(texts)
    pairs: dict[int, int] = {}
    while start < end_s and start < end_t and texts[start] in spoken[start].answers:
        pairs[start] = start
        start += 1
    while end_s > start and end_t > start and texts[end_t - 1] in spoken[end_s - 1].answers:
        end_s, end_t = end_s - 1, end_t - 1
        pairs[end_s] = end_t
    rows, columns = end_s - start, end_t - start
    best = [[0] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows - 1, -1, -1):
        for j in range(columns - 1, -1, -1):
            if texts[start + j] in spoken[start + i].answers:
                best[i][j] = best[i + 1][j + 1] + 1
            else:
                best[i][j] = max(best[i + 1][j], best[i][j + 1])
    i = j = 0
    while i < rows and j < columns:
        if texts[start + j] in spoken[start + i].answers:
            pairs[start + i] = start + j
            i, j = i + 1, j + 1
        elif best[i + 1][j] >= best[i][j + 1]:
            i += 1
        else:
            j += 1
    return pairs


def _check_attributes(key: str, line: _Line, verdict: Verdict) -> None:
    """One PUT for each delivered translation, with the original it belongs to, in order."""
    wanted = Counter(one.text for one in line.spoken)
    languages = {one.text: one.language for one in line.spoken}
    delivered = set(line.texts)
    seen: Counter[str] = Counter()
    first_puts: list[str] = []
    for put in line.puts:
        attributes = put["attributes"]
        original = attributes.get("originalText")
        reason = _wrong(attributes, languages)
        if reason:
            verdict.wrong_attributes.append(
                {"conversationId": key, "reason": reason, "attributes": attributes}
            )
            continue
        seen[original] += 1
        if seen[original] > wanted[original]:
            verdict.extra_puts.append({"conversationId": key, "original": original})
        else:
            first_puts.append(original)
    for one in line.spoken:
        if seen[one.text] > 0:
            seen[one.text] -= 1
        elif one.answers & delivered:
            verdict.missing_puts.append({"conversationId": key, "original": one.text})
    _check_put_order(key, line, first_puts, verdict)


def _check_put_order(key: str, line: _Line, puts: Sequence[str], verdict: Verdict) -> None:
    same = [_Spoken(one.text, one.language, frozenset({one.text})) for one in line.spoken]
    in_place = set(_longest_common(same, puts).values())
    for index, original in enumerate(puts):
        if index not in in_place:
            verdict.wrong_attributes.append(
                {"conversationId": key, "reason": "out of order", "original": original}
            )


def _wrong(attributes: Mapping[str, Any], languages: Mapping[str, str]) -> str | None:
    original = str(attributes.get("originalText"))
    if original not in languages:
        return "originalText is not what the guest wrote"
    language = str(attributes.get("originalLanguage", ""))
    spoken = languages[original]
    if language.split("-")[0] != spoken.split("-")[0].upper():
        return f"originalLanguage {language!r} instead of {spoken.upper()!r}"
    try:
        moment = datetime.fromisoformat(str(attributes.get("translationTimestamp")))
    except ValueError:
        return "translationTimestamp is not ISO 8601"
    return None if moment.tzinfo else "translationTimestamp without offset"


def _check_loops(entries: Sequence[Entry], verdict: Verdict) -> None:
    """TRAP, the endless loop: a text we delivered must never be asked to be translated."""
    guests = {e["text"] for e in entries if e["kind"] == "event" and e["role"] == "guest"}
    delivered: set[str] = set()
    for entry in entries:
        if entry["kind"] == "post" and entry["applied"]:
            delivered.add(entry["text"])
        elif entry["kind"] == "translate":
            for text in entry["texts"]:
                if text in delivered and text not in guests:
                    verdict.loops.append({"text": text, "seq": entry["seq"]})
