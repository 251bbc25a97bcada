"""The admin's lists at a hundred thousand journal entries: what they ask for has an index."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bench.exports.filling import PER_CONVERSATION, STATEMENTS
from bench.exports.lists import PAGES
from tests.conversations import histories

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.postgresql_only,  # no other database explains itself like this
]

MESSAGES = 20_000  # with five entries each
AT_MOST = 12_000  # rows read of one table: a list counts up to 10,000, and shows a page
BIG = re.compile("conversations_(message|delivery|attributeaudit|journalentry|messagetext)")


def test_no_list_of_the_admin_reads_a_table(client):
    with connection.cursor() as cursor:
        # Foreign keys hold by how the rows are made: half a million checks at the end are spared.
        cursor.execute("SET LOCAL session_replication_role = replica")
        for statement in STATEMENTS:
            cursor.execute(
                statement.format(per=PER_CONVERSATION, conversations=MESSAGES // PER_CONVERSATION)
            )
        cursor.execute("SET LOCAL session_replication_role = origin")
    client.force_login(histories.user("root", is_superuser=True))
    now = timezone.now()

    read = {
        name: list(scans_of(client, page.format(year=now.year, month=now.month)))
        for name, page in PAGES.items()
    }

    assert {name: scans for name, scans in read.items() if scans} == {}


def scans_of(client: Any, page: str) -> Iterator[str]:
    """What of its statements reads a big table from end to end, or most of it by an index."""
    with CaptureQueriesContext(connection) as asked:
        assert client.get(page).status_code == 200
    for query in asked.captured_queries:
        sql = query["sql"]
        if not (sql.startswith("SELECT") and BIG.search(sql)):
            continue
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
            found = cursor.fetchone()[0]
        plan = json.loads(found) if isinstance(found, str) else found
        for node in nodes_of(plan[0]["Plan"]):
            table = node.get("Relation Name", "")
            rows = node["Actual Rows"] * node["Actual Loops"] + node.get(
                "Rows Removed by Filter", 0
            )
            if BIG.fullmatch(table) and (node["Node Type"] == "Seq Scan" or rows > AT_MOST):
                yield f"{node['Node Type']} of {table}, {rows} rows: {sql[:300]}"


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for one in plan.get("Plans", ()):
        yield from nodes_of(one)
