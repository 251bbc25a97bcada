"""Fills the tables with messages that were translated and delivered, as a year of work leaves them.

Made by the database itself: a million messages in about a minute. The journal's digests are no
real ones; nothing here verifies them.
"""

from __future__ import annotations

import psycopg

PER_CONVERSATION = 20
LANGUAGES = ("es", "de")  # one conversation in ten is of the second

STATEMENTS = (
    # Ten entries a message, so that seq is what it would be.
    """
    INSERT INTO conversations_conversation
        (external_id, channel, state, guest_id, guest_name, guest_language, agent_id, agent_name,
         created_at, last_event_at, closed_at, has_copies, seq, head, lease_owner, language_basis,
         language_count, rival_language, rival_count)
    SELECT 'filled-' || n, 'messaging', 'closed', 'guest-' || n, 'María ' || n,
        CASE WHEN n % 10 = 0 THEN 'de' ELSE 'es' END, 'agent-1', 'Tom',
        now() - n * interval '1 second', now() - n * interval '1 second', now(), false,
        10 * {per}, md5(n::text) || md5('h' || n), '', 'messages', 2, '', 0
    FROM generate_series(1, {conversations}) n
    """,
    """
    INSERT INTO conversations_message
        (conversation_id, seq, origin, external_id, content_key, sender_id, sender_name, sent_at,
         received_at, backfilled, has_text, translation_state, translation_attempts,
         translation_reason, target_language)
    SELECT c.id, 10 * n - 9, 'guest', c.external_id || '-' || n, '', c.guest_id, c.guest_name,
        c.created_at, c.created_at + n * interval '3 seconds', false, true, 'translated', 1, '', ''
    FROM conversations_conversation c, generate_series(1, {per}) n
    WHERE c.external_id LIKE 'filled-%' ORDER BY c.id, n
    """,
    # Where the last analysis met only what had been rolled back, a table counts as empty, whatever
    # was inserted since, and the joins below would take minutes.
    "ANALYZE conversations_conversation, conversations_message",
    """
    INSERT INTO conversations_messagetext (message_id, role, language, text, salt)
    SELECT m.id, role, CASE role WHEN 'original' THEN 'es' ELSE 'en-US' END,
        CASE role WHEN 'original'
        THEN 'Hola, tengo una pregunta sobre mi pedido ' || m.id || '; ¿cuándo llega? Gracias.'
        ELSE 'Hello, I have a question about my order ' || m.id || '; when does it arrive?' END,
        decode(md5(m.id::text), 'hex')
    FROM conversations_message m, unnest(ARRAY['original', 'translated']) role
    WHERE m.external_id LIKE 'filled-%' ORDER BY m.id
    """,
    "ANALYZE conversations_messagetext",
    """
    INSERT INTO conversations_delivery
        (conversation_id, message_id, direction, state, reason, echo_key, external_id, attempts,
         created_at, sending_at, confirmed_at, confirmed_by, duplicates, attributes_state,
         attributes_attempts)
    SELECT m.conversation_id, m.id, 'guest_to_agent', 'confirmed', '', md5(m.id::text),
        'sent-' || m.id, 1, m.received_at, m.received_at, m.received_at + interval '1 second',
        'answer', 0, 'written', 1
    FROM conversations_message m WHERE m.external_id LIKE 'filled-%' ORDER BY m.id
    """,
    """
    INSERT INTO conversations_journalentry
        (conversation_id, seq, kind, actor, at, message_id, data, commitment, previous, digest)
    SELECT m.conversation_id, m.seq + step, kind, 'worker', m.received_at, m.id,
        CASE kind WHEN 'translated' THEN '{{"from_memory":false,"latency_ms":84,'
        || '"provider":"deepl","source_language":"es","target_language":"en-US"}}' ELSE '' END,
        '', md5(m.id::text) || md5(kind), md5(kind) || md5(m.id::text)
    FROM conversations_message m,
        unnest(ARRAY['received', 'translated', 'sending', 'confirmed', 'attributes_written'])
        WITH ORDINALITY AS kinds (kind, step_from_one), LATERAL (SELECT step_from_one - 1) s (step)
    WHERE m.external_id LIKE 'filled-%' ORDER BY m.id, step
    """,
    """
    INSERT INTO conversations_attributeaudit
        (conversation_id, message_id, keys, original_language, target_language,
         translation_timestamp, written_at, status, http_status, answer, commitment, text_id)
    SELECT m.conversation_id, m.id,
        '["originalLanguage", "originalText", "translationTimestamp"]', 'ES', 'EN-US',
        m.received_at, m.received_at, 'written', 200, '', '', t.id
    FROM conversations_message m
    JOIN conversations_messagetext t ON t.message_id = m.id AND t.role = 'original'
    WHERE m.external_id LIKE 'filled-%' ORDER BY m.id
    """,
    "ANALYZE conversations_attributeaudit",
    """
    UPDATE conversations_attributeaudit a SET before_id = a.id - 1
    FROM conversations_attributeaudit earlier
    WHERE earlier.id = a.id - 1 AND earlier.conversation_id = a.conversation_id
    """,
    "ANALYZE",
)


def fill(url: str, *, messages: int) -> None:
    conversations = max(10, messages // PER_CONVERSATION)
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in STATEMENTS:
            text = statement.format(per=PER_CONVERSATION, conversations=conversations)
            connection.execute(text)
