"""Articles and stories over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic_core import to_json

from corpus.records import Article, Record
from service.http import examples
from service.http.problems import wrong_field
from service.http.service import TheService
from service.http.times import Moment, check_span

router = APIRouter(tags=["articles"])

# No database takes the character, and no name has it.
NO_NUL = r"^[^\x00]*$"
_ID = r"^[0-9a-f]{20}$"
ArticleId = Annotated[
    str, Path(pattern=_ID, description="20 hexadecimal digits", examples=[examples.ARTICLE_ID])
]
Outlet = Annotated[
    str,
    Query(
        max_length=200, pattern=NO_NUL, description="Name of an outlet", examples=["News Example"]
    ),
]
Cursor = Annotated[
    str, Query(pattern=_ID, description="`next` of a page", examples=[examples.ARTICLE_ID])
]


class ArticlePage(Record):
    """Articles, and the cursor of the next page: null on the last."""

    articles: tuple[Article, ...]
    next: str | None


class Story(Record):
    """A story: its articles, the first seen one in front."""

    story_id: str
    articles: tuple[Article, ...]


@router.get(
    "/v1/articles",
    summary="Articles, page by page",
    responses=examples.answer(examples.ARTICLE_PAGE),
)
def articles(
    *,
    service: TheService,
    since: Moment | None = None,
    until: Moment | None = None,
    source: Outlet | None = None,
    cursor: Cursor | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ArticlePage:
    """Articles published from ``since`` to ``until`` (exclusive)."""
    check_span(since, until)
    found = list(
        service.store.articles(
            since=since,
            until=until,
            source=source,
            after=cursor,
            limit=limit + 1,
        )
    )
    if cursor is not None and not found and service.store.article(cursor) is None:
        raise wrong_field(
            404,
            "query.cursor",
            cursor,
            "this is no cursor of ours",
            "give `next` of a page as it was, with the same filters",
        )
    more = len(found) > limit
    shown = tuple(found[:limit])
    return ArticlePage(articles=shown, next=shown[-1].id if more else None)


@router.get(
    "/v1/articles/{article_id}",
    summary="An article with its tags",
    description="`tags` is the serving model's record, or null; `story` the ids of all copies.",
    responses=examples.answer(
        examples.ARTICLE_WITH_TAGS,
        schema={
            "type": "object",
            "properties": {
                "article": {"$ref": "#/components/schemas/Article"},
                "story": {"type": "array", "items": {"type": "string"}},
                "tags": {
                    "anyOf": [
                        {"$ref": "#/components/schemas/TagRecord"},
                        {"$ref": "#/components/schemas/TagFailure"},
                        {"type": "null"},
                    ]
                },
            },
            "required": ["article", "story", "tags"],
        },
    ),
)
def article(service: TheService, article_id: ArticleId) -> Response:
    """An article, its tag record and its story."""
    found = service.store.article(article_id)
    if found is None:
        raise wrong_field(
            404,
            "path.article_id",
            article_id,
            "there is no article of this id",
            "take an id that /v1/articles gives",
        )
    record = service.store.tag_record(article_id, tag_model(service))
    story = [one.id for one in service.store.story(found.story_id)]
    # The record is put in as it is stored, so that it stays equal byte for byte.
    text = (
        f'{{"article":{found.model_dump_json()},"story":{to_json(story).decode()},'
        f'"tags":{record or "null"}}}'
    )
    return Response(text, media_type="application/json")


@router.get(
    "/v1/stories/{story_id}",
    summary="A story and its copies",
    responses=examples.answer(examples.STORY),
)
def story(service: TheService, story_id: ArticleId) -> Story:
    """All articles of a story."""
    found = service.store.story(story_id)
    if not found:
        raise wrong_field(
            404,
            "path.story_id",
            story_id,
            "there is no story of this id",
            "take the story_id of an article",
        )
    return Story(story_id=story_id, articles=tuple(found))


def tag_model(service: TheService) -> str:
    """The serving model when the store has its tags, else the one that tagged last."""
    stored = [name for name, _ in service.store.state().models]
    serving = service.tagger.identity
    return serving if serving in stored or not stored else stored[0]
