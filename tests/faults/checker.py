"""The one judge of every fault run: the platform's ledger against our record and our pages.

Pure: `judge` gets what the platform knows (ledger), what our database says (`record`), where
pages differ from fresh ones (`recorder`), and which faults were planned and happened. A fault that
was planned and did not happen fails a run as well: no vacuous pass (reliability 2.2).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conversations.simulator.verdict import check
from tests.faults.findings import Finding, Findings
from tests.faults.record import Record, RecordedDelivery, RecordedMessage
from tests.faults.reviews import Limits, judge_reviews

STUCK_AFTER_S = 60.0
DEATHS = 3
_TAKEN_OVER = ("doubled", "out_of_order", "wrong_texts", "loops", "wrong_attributes")
_TRANSLATION_KIND = {
    "translated": "translated",
    "passed_through": "passed_through",
    "failed": "translation_failed",
}
_STATES_WITH_ENTRY = frozenset({"confirmed", "ambiguous", "review", "failed", "expired", "dropped"})
Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Platform:
    """The ledger, looked into by what is asked of it."""

    ledger: Sequence[Entry]
    spoken: Mapping[str, Entry]  # guests' and agents' events, by the platform's id
    posts: Mapping[str, Entry]  # applied ones, by the platform's id

    @classmethod
    def of(cls, ledger: Iterable[Entry]) -> Platform:
        entries = list(ledger)
        spoken = {
            entry["messageId"]: entry
            for entry in entries
            if entry["kind"] == "event" and entry["role"] in ("guest", "agent")
        }
        posts = {
            entry["messageId"]: entry
            for entry in entries
            if entry["kind"] == "post" and entry["applied"]
        }
        return cls(entries, spoken, posts)


def judge(
    *,
    ledger: Iterable[Entry],
    record: Record,
    pages: Sequence[str],
    planned: Mapping[str, int],
    happened: Mapping[str, int],
    limits: Limits,
) -> Findings:
    """Everything at once; see `Findings` for the kinds of faults."""
    platform = Platform.of(ledger)
    findings = Findings(
        dashboards=list(pages),
        broken_chains=list(record.broken_chains),
        journal_entries=record.journal_entries,
    )
    _compare_ledger(platform, record, findings)
    _compare_messages(platform, record.messages, findings)
    findings.stored_out_of_order = _stored_out_of_order(platform, record.messages)
    for delivery in record.deliveries:
        _compare_delivery(platform, delivery, findings)
    findings.needless_review, findings.why_in_review = judge_reviews(
        platform.ledger,
        record.deliveries,
        expected=findings.expected,
        limits=limits,
        set_aside=findings.set_aside,
    )
    findings.did_not_happen = [
        f"{what}: {happened.get(what, 0)} of {count}"
        for what, count in planned.items()
        if happened.get(what, 0) < count
    ]
    return findings


def _compare_ledger(platform: Platform, record: Record, findings: Findings) -> None:
    """Lost, doubled, misplaced: by texts, as the platform sees them."""
    verdict = check(platform.ledger)
    for kind in _TAKEN_OVER:
        getattr(findings, kind).extend(getattr(verdict, kind))
    findings.expected, findings.delivered = verdict.expected, verdict.delivered
    findings.extra_puts = len(verdict.extra_puts)
    in_review = [row for row in record.deliveries if row.state == "review"]
    findings.review = Counter(row.reason for row in in_review)
    set_aside = _set_aside(platform, record.messages)
    findings.set_aside = len(set_aside)
    # What waits for a person is not lost, and has no attributes yet.
    findings.lost = [
        {**finding, "stands": _where_it_stands(finding, platform, record)}
        for finding in _but_for(verdict.lost, [*_texts_of(in_review), *set_aside])
    ]
    findings.missing_puts = _but_for(verdict.missing_puts, [*_texts_of(in_review), *set_aside])


def _where_it_stands(finding: Finding, platform: Platform, record: Record) -> list[str]:
    """What our record says of the messages of that text: for whoever looks for the reason."""
    said = {
        key
        for key, entry in platform.spoken.items()
        if entry["conversationId"] == finding["conversationId"]
        and entry["text"] == finding["original"]
    }
    found = [
        f"message {row.external_id}: {row.translation_state or 'nothing to translate'}, "
        f"place {row.seq}, {dict(row.kinds)}"
        for row in record.messages
        if row.external_id in said
    ]
    return found + [
        f"delivery of {row.source_id}: {row.state}, {row.reason or 'no reason'}, "
        f"{row.attempts} attempts, as {row.external_id or 'nothing'}"
        for row in record.deliveries
        if row.source_id in said
    ]


def _texts_of(rows: Iterable[RecordedDelivery]) -> list[tuple[str, str]]:
    return [(row.conversation, row.original) for row in rows]


def _set_aside(platform: Platform, messages: Iterable[RecordedMessage]) -> list[tuple[str, str]]:
    """Conversation and text of what three workers died with: it is not given to a fourth (H4)."""
    return [
        (row.conversation, platform.spoken[row.external_id]["text"])
        for row in messages
        if row.translation_state == "failed"
        and row.deaths >= DEATHS
        and row.external_id in platform.spoken
    ]


def _but_for(found: Iterable[Finding], accounted: Iterable[tuple[str, str]]) -> list[Finding]:
    left = Counter(accounted)
    kept = []
    for finding in found:
        key = (finding["conversationId"], finding["original"])
        if left[key] > 0:
            left[key] -= 1
        else:
            kept.append(finding)
    return kept


def _compare_messages(
    platform: Platform, messages: Sequence[RecordedMessage], findings: Findings
) -> None:
    """Everything said is stored once and journaled; nothing that we posted counts as said."""
    stored = {row.external_id for row in messages if row.origin != "injected"}
    findings.unrecorded.extend(
        {"conversationId": entry["conversationId"], "id": key, "role": entry["role"]}
        for key, entry in platform.spoken.items()
        if key not in stored
    )
    for row in messages:
        finding = {"conversationId": row.conversation, "id": row.external_id}
        is_echo = row.origin == "injected"
        if row.external_id in platform.posts and not is_echo:
            findings.loops.append({**finding, "what": "our own delivery taken for a message"})
        wanted = {"confirmed", "echoed", "duplicate"} if is_echo else {"received"}
        if row.at_its_seq not in wanted:
            findings.unaudited.append({**finding, "what": "no entry at its seq"})
        kind = _TRANSLATION_KIND.get(row.translation_state)
        if kind is not None and row.kinds[kind] != 1:
            findings.unaudited.append({**finding, "what": f"{row.kinds[kind]} entries {kind}"})
        if row.translation_state == "pending":
            findings.stuck.append({**finding, "what": "not translated"})


def _stored_out_of_order(platform: Platform, messages: Sequence[RecordedMessage]) -> int:
    """Messages with a place after one that was said later: what came by backfill, too late."""
    said = {key: entry["seq"] for key, entry in platform.spoken.items()}
    latest: dict[str, int] = {}
    count = 0
    for row in sorted(messages, key=lambda row: (row.conversation, row.seq)):
        if row.external_id not in said:
            continue
        count += said[row.external_id] < latest.get(row.conversation, 0)
        latest[row.conversation] = max(latest.get(row.conversation, 0), said[row.external_id])
    return count


def _compare_delivery(platform: Platform, row: RecordedDelivery, findings: Findings) -> None:
    finding = {"conversationId": row.conversation, "id": row.source_id, "state": row.state}
    for what in _missing_entries(row):
        findings.unaudited.append({**finding, "what": what})
    if row.state in ("queued", "sending", "ambiguous"):
        findings.stuck.append({**finding, "what": "not delivered"})
    if row.state != "confirmed":
        return
    if row.attributes_state == "pending":
        findings.stuck.append({**finding, "what": "attributes not written"})
    elif row.attributes_written != 1:
        findings.unaudited.append({**finding, "what": f"{row.attributes_written} audits"})
    post, said = platform.posts.get(row.external_id), platform.spoken.get(row.source_id)
    if row.external_id and not _is_of(post, row):
        findings.false_confirmations.append({**finding, "as": row.external_id})
    if post is not None and said is not None:
        seconds = post["applied_at"] - said["at"]
        findings.slowest_s = max(findings.slowest_s, seconds)
        if seconds > STUCK_AFTER_S:
            findings.stuck.append({**finding, "what": f"delivered after {seconds:.0f} s"})


def _is_of(post: Entry | None, row: RecordedDelivery) -> bool:
    return (
        post is not None
        and post["conversationId"] == row.conversation
        and post["text"] == row.translated
    )


def _missing_entries(row: RecordedDelivery) -> list[str]:
    """Changes of state without their journal entry (I5)."""
    missing = []
    if row.kinds["sending"] - row.kinds["put back"] != row.attempts:
        missing.append(f"{row.kinds['sending']} entries sending for {row.attempts} attempts")
    if row.state in _STATES_WITH_ENTRY and not row.kinds[row.state]:
        missing.append(f"no entry {row.state}")
    if row.kinds["attributes_written"] != row.attributes_written:
        missing.append(
            f"{row.kinds['attributes_written']} entries for {row.attributes_written} audits"
        )
    return missing
