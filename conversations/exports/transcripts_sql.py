"""The transcript's row as PostgreSQL renders it: column by column what `transcripts` makes of the
same tables."""

from __future__ import annotations

from conversations.exports.base import Scope
from conversations.exports.in_database import Column, Select


def moment(value: str) -> str:
    return f"to_char({value} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') || '+00:00'"


def _attributes(audit: str, text: str) -> str:
    """JSON of the keys that were written, in their order; null where nothing was."""
    stamp = (
        f"to_char({audit}.translation_timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS')"
    )
    values = (
        ("originalLanguage", f"to_json({audit}.original_language)::text"),
        ("originalText", f"coalesce(to_json({text}.text)::text, 'null')"),
        ("translationTimestamp", f"to_json({stamp} || 'Z')::text"),
    )
    pieces = ", ".join(
        f"CASE WHEN {audit}.keys @> '\"{key}\"' THEN '\"{key}\":' || {value} END"
        for key, value in values
    )
    return f"CASE WHEN {audit}.id IS NOT NULL THEN '{{' || concat_ws(',', {pieces}) || '}}' END"


_DIRECTION = (
    "CASE page.origin WHEN 'guest' THEN 'guest_to_agent' WHEN 'agent' THEN 'agent_to_guest' "
    "WHEN 'system' THEN 'system' END"
)
# A tombstone for the message, or for those from `first` to `last` of its conversation.
_ERASED_AT = f"""CASE WHEN original.id IS NULL THEN (
    SELECT {moment("max(erasure.at)")} FROM conversations_journalentry erasure
    WHERE erasure.conversation_id = page.conversation_id AND erasure.kind = 'erased'
    AND erasure.seq > page.seq
    AND (erasure.message_id = page.id OR erasure.message_id IS NULL AND page.seq BETWEEN
        (nullif(erasure.data, '')::json ->> 'first')::bigint
        AND (nullif(erasure.data, '')::json ->> 'last')::bigint)) END"""  # noqa: S608
_FILES = """coalesce((SELECT '[' || string_agg(
        '{"name":' || to_json(file.name)::text
        || ',"content_type":' || to_json(file.content_type)::text
        || ',"size":' || coalesce(file.size::text, 'null') || '}',
        ',' ORDER BY file.position) || ']'
    FROM conversations_messageattachment file WHERE file.message_id = page.id), '[]')"""

COLUMNS = (
    Column("conversation_id", "conversation.external_id"),
    Column("seq", "page.seq", "plain"),
    Column("message_id", "nullif(page.external_id, '')"),
    Column("direction", _DIRECTION, "ours"),
    Column("sender_type", "page.origin", "ours"),
    Column("sender_id", "nullif(page.sender_id, '')"),
    Column("sender_name", "nullif(page.sender_name, '')"),
    Column("sent_at", moment("page.sent_at"), "ours"),
    Column("received_at", moment("page.received_at"), "ours"),
    Column("original_text", "original.text"),
    Column(
        "original_language",
        "coalesce(nullif(original.language, ''), nullif(made.data ->> 'source_language', ''))",
    ),
    Column("language_confidence", "NULL", "plain"),
    Column("translated_text", "translated.text"),
    Column(
        "target_language",
        "coalesce(nullif(translated.language, ''), nullif(made.data ->> 'target_language', ''))",
    ),
    Column(
        "delivered_text",
        "CASE WHEN delivered.id IS NOT NULL THEN delivered.text "
        "WHEN delivery.state = 'confirmed' THEN translated.text END",
    ),
    Column("delivery_state", "delivery.state", "ours"),
    Column("delivered_at", moment("delivery.confirmed_at"), "ours"),
    Column("provider", "nullif(made.data ->> 'provider', '')"),
    Column("provider_latency_ms", "made.data -> 'latency_ms'", "plain"),
    Column("from_memory", "made.data -> 'from_memory'", "plain"),
    Column("attributes_before", _attributes("earlier", "earlier_text"), "json"),
    Column("attributes_after", _attributes("audit", "audit_text"), "json"),
    Column("attributes_written_at", moment("audit.written_at"), "ours"),
    Column("attachments", _FILES, "json"),
    Column("read_at", moment("page.read_at"), "ours"),
    Column("redactions", "'[]'", "json"),
    Column("erased_at", _ERASED_AT, "ours"),
    Column("journal_digest", "received.digest", "ours"),
)


def _text(role: str) -> str:
    return (
        f"LEFT JOIN conversations_messagetext {role} "
        f"ON {role}.message_id = page.id AND {role}.role = '{role}'"
    )


def _newest(name: str, columns: str, table: str, where: str) -> str:
    return (
        f"LEFT JOIN LATERAL (SELECT {columns} FROM {table} one WHERE one.message_id = page.id "  # noqa: S608
        f"AND {where} ORDER BY one.id DESC LIMIT 1) {name} ON true"
    )


_JOINS = " ".join(
    (
        "JOIN conversations_conversation conversation ON conversation.id = page.conversation_id",
        _text("original"),
        _text("translated"),
        _text("delivered"),
        "LEFT JOIN conversations_delivery delivery ON delivery.message_id = page.id",
        _newest(
            "audit",
            "one.*",
            "conversations_attributeaudit",
            "one.status = 'written'",
        ),
        "LEFT JOIN conversations_messagetext audit_text ON audit_text.id = audit.text_id",
        "LEFT JOIN conversations_attributeaudit earlier ON earlier.id = audit.before_id",
        "LEFT JOIN conversations_messagetext earlier_text ON earlier_text.id = earlier.text_id",
        _newest("received", "one.digest", "conversations_journalentry", "one.kind = 'received'"),
        _newest(
            "made",
            "nullif(one.data, '')::json AS data",
            "conversations_journalentry",
            "one.kind IN ('translated', 'passed_through')",
        ),
    )
)


def joins() -> str:
    """What the columns need beside `page`."""
    return _JOINS


def select(scope: Scope) -> Select:
    where, parameters = ["one.origin <> 'injected'"], []
    for condition, value in (
        ("one.received_at >= %s", scope.since),
        ("one.received_at < %s", scope.until),
    ):
        if value is not None:
            where.append(condition)
            parameters.append(value)
    return Select("conversations_message", where, parameters, _JOINS)
