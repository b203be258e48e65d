"""The decisive stories of a driver: which sentence and which amount stand for each."""

from __future__ import annotations

from collections.abc import Sequence

from nlp.index import Contribution
from nlp.records import Amount, Span
from service.report.records import DecisiveStory

STORIES = 3
# Stories offered for a driver; those that tell a figure already told are passed over.
CANDIDATES = 12


def decisive_stories(parts: Sequence[Contribution]) -> tuple[DecisiveStory, ...]:
    """The three largest contributions that tell different things.

    Of stories that rest on the same kind of amount, equal to two digits, only the first is kept:
    outlets that report one event in their own words are different stories to the index, but one
    to the reader.
    """
    chosen: list[DecisiveStory] = []
    told: set[tuple[str, str, str]] = set()
    for part in parts:
        story = decisive_story(part)
        if story.amount is not None:
            figure = (story.amount.kind, story.amount.unit, f"{story.amount.value:.1e}")
            if figure in told:
                continue
            told.add(figure)
        chosen.append(story)
        if len(chosen) == STORIES:
            break
    return tuple(chosen)


def decisive_story(part: Contribution) -> DecisiveStory:
    """The story with the sentence and the amount that count.

    The sentence is the evidence that states the largest amount of the driver, else the first one
    of the text, else the title; the amount is the largest that the sentence states, else the
    largest of the article. What has happened goes before what is planned, dollars before coins.
    """
    ranked = sorted(part.amounts, key=_rank)
    sentence = _sentence(part.decisive, ranked)
    inside = [one for one in ranked if sentence is not None and _holds(sentence, one)]
    amounts = inside or ranked
    return DecisiveStory(
        story_id=part.story_id,
        article_id=part.article_id,
        title=part.title,
        url=part.url,
        source=part.source,
        published_at=part.published_at,
        articles=part.articles,
        stance_score=part.stance_score,
        share=part.share,
        sentence=sentence.text if sentence is not None else None,
        amount=amounts[0] if amounts else None,
    )


def _rank(amount: Amount) -> tuple[bool, bool, float, int]:
    return not amount.realised, amount.unit != "USD", -abs(amount.value), amount.start


def _sentence(spans: Sequence[Span], ranked: Sequence[Amount]) -> Span | None:
    body = [span for span in spans if span.field == "text"]
    for amount in ranked:
        for span in body:
            if _holds(span, amount):
                return span
    return next(iter(body or spans), None)


def _holds(span: Span, amount: Amount) -> bool:
    return span.field == amount.field and span.start <= amount.start and amount.end <= span.end
