"""The documented knowledge service: what is sent, what is read, what is refused."""

from __future__ import annotations

import pytest

from assist.knowledge.base import KnowledgeFailed
from assist.knowledge.http import HttpKnowledge, articles_of


def service(simulator, **options) -> HttpKnowledge:
    return HttpKnowledge(url=f"{simulator.base_url}/knowledge/query", key="a key", **options)


async def test_a_query_brings_articles_best_first(simulator) -> None:
    knowledge = service(simulator)

    found = await knowledge.look_up("can I get a refund", interaction_id="c", confidence=0.9)

    assert found[0].title == "Refunds: how and when"
    assert found[0].url.startswith("https://")
    [entry] = simulator.world.ledger.entries(kinds=frozenset({"knowledge"}))
    assert (entry["query"], entry["interactionId"]) == ("can I get a refund", "c")
    await knowledge.aclose()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"kind": "503"}, "status 503"),
        ({"kind": "html"}, "documented"),
        ({"kind": "wrong_schema"}, "no results"),
        ({"kind": "reset_before"}, "no answer"),
        ({"kind": "timeout_before", "hang_s": 2}, "no answer"),
    ],
)
async def test_each_failure_is_said_in_its_own_words(simulator, fault, said) -> None:
    simulator.world.faults.add({"where": "knowledge", **fault})
    knowledge = service(simulator, limit_s=0.4 if "hang_s" in fault else 20)

    with pytest.raises(KnowledgeFailed, match=said):
        await knowledge.look_up("refund", interaction_id="c", confidence=None)
    await knowledge.aclose()


def test_only_what_a_page_may_show_is_taken() -> None:
    body = {
        "results": [
            {"title": "Good", "url": "javascript:alert(1)", "score": "high"},
            {"title": "T" * 500, "snippet": 7, "url": "https://x.example", "score": 0.5},
            {"snippet": "no title"},
            "not an object",
        ]
    }

    first, second = articles_of(body)

    assert (first.url, first.score) == ("", None)
    assert (len(second.title), second.snippet, second.score) == (200, "", 0.5)


@pytest.mark.parametrize("body", [None, [], {}, {"results": "none"}])
def test_a_body_without_results_is_refused(body) -> None:
    with pytest.raises(KnowledgeFailed, match="no results"):
        articles_of(body)
