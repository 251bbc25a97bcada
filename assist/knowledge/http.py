"""The documented knowledge service (protocol §4): one POST a query."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from assist.knowledge.base import Article, KnowledgeFailed
from conversations.net.exceptions import AnswerUnknown, InvalidBody, NotSent
from conversations.net.http import HttpClient

MOST_ARTICLES = 5
_TITLE, _TEXT = 200, 1000


class HttpKnowledge:
    def __init__(self, *, url: str, key: str, limit_s: float = 2.0) -> None:
        self._url = url
        self._key = key
        self._http = HttpClient(
            connect_timeout_s=limit_s / 2, total_timeout_s=limit_s, max_connections=8
        )

    async def look_up(
        self, query: str, *, interaction_id: str, confidence: float | None
    ) -> Sequence[Article]:
        body = {"query": query, "interactionId": interaction_id, "confidence": confidence}
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        try:
            answer = await self._http.request("POST", self._url, headers=headers, json=body)
            if answer.status != 200:
                raise KnowledgeFailed(f"answered with status {answer.status}")
            return articles_of(answer.json())
        except NotSent as error:
            raise KnowledgeFailed(f"not reached ({error})") from error
        except AnswerUnknown as error:
            raise KnowledgeFailed(f"no answer ({error})") from error
        except InvalidBody as error:
            raise KnowledgeFailed(f"not the documented answer: {error}") from error

    async def aclose(self) -> None:
        await self._http.aclose()


def articles_of(body: object) -> list[Article]:
    results = body.get("results") if isinstance(body, dict) else None
    if not isinstance(results, list):
        raise KnowledgeFailed("not the documented answer: no results")
    found = [_article(one) for one in results[:MOST_ARTICLES]]
    return [article for article in found if article is not None]


def _article(value: object) -> Article | None:
    """A result without a title is of no use to anybody."""
    if not isinstance(value, dict) or not isinstance(value.get("title"), str):
        return None
    return Article(
        title=_clean(value["title"])[:_TITLE] or "Untitled",
        snippet=_clean(value.get("snippet"))[:_TEXT],
        url=_address(value.get("url")),
        score=_score(value.get("score")),
    )


def _score(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def _clean(value: object) -> str:
    return value.replace("\x00", "").strip() if isinstance(value, str) else ""


def _address(value: object) -> str:
    """Only what a page may link to: never a script."""
    url = _clean(value)
    try:
        is_web = urlsplit(url).scheme in ("http", "https")
    except ValueError:
        return ""
    return url if is_web and len(url) <= _TEXT else ""
