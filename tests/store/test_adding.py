"""Articles into the store: identity, times, revisions, reruns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, event

from corpus.errors import InputError
from corpus.identity import article_id, canonical_url, content_hash
from corpus.records import AddCounts, Finding, PublishedFlag

SEEN = datetime(2025, 11, 20, 12, tzinfo=UTC)
LATER = SEEN + timedelta(days=1)


def test_an_article_comes_back_as_the_contract_says(store, found):
    given = found(
        1,
        url="HTTP://www.wire.example:80/news/?utm_source=x#top",
        summary="Short.",
        author="A. Writer",
        language="en",
        external_id="x-1",
        published_at=datetime(2025, 11, 13, 8, 30, 0, 123456, tzinfo=UTC),
    )
    assert store.add([given], seen_at=SEEN) == AddCounts(new=1)
    (stored,) = store.articles()
    assert stored.url == "https://wire.example/news"
    assert stored.id == article_id(stored.url)
    assert store.article(stored.id) == stored
    for name in ("title", "text", "summary", "source", "author", "language", "external_id"):
        assert getattr(stored, name) == getattr(given, name)
    assert stored.published_at == stored.published_claimed == given.published_at
    assert stored.published_at.tzinfo is UTC
    assert stored.published_flag is PublishedFlag.EXACT
    assert stored.first_seen_at == stored.updated_at == SEEN
    assert stored.content_hash == content_hash(given.title, given.text)
    assert stored.story_id == stored.id


@pytest.mark.parametrize(
    ("claimed", "day_only", "held", "flag"),
    [
        (datetime(2025, 11, 13, 8, tzinfo=UTC), False, None, PublishedFlag.EXACT),
        (
            datetime(2025, 11, 13, 8, tzinfo=UTC),
            True,
            datetime(2025, 11, 13, tzinfo=UTC),
            PublishedFlag.DAY_ONLY,
        ),
        (None, False, SEEN, PublishedFlag.MISSING),
        (SEEN + timedelta(hours=1), False, SEEN, PublishedFlag.FUTURE),
        (SEEN, False, SEEN, PublishedFlag.EXACT),
        (datetime(1969, 12, 31, 23, 59, tzinfo=UTC), False, None, PublishedFlag.EXACT),
    ],
)
def test_publication_times_follow_the_stated_rules(  # noqa: PLR0917 - one case, six parts
    store, found, claimed, day_only, held, flag
):
    store.add([found(published_at=claimed, day_only=day_only)], seen_at=SEEN)
    (stored,) = store.articles()
    assert stored.published_at == (held or claimed)
    assert stored.published_flag is flag
    expected = claimed and (claimed.replace(hour=0) if day_only else claimed)
    assert stored.published_claimed == expected


def test_a_first_sight_given_by_a_file_counts_but_never_lies_ahead(store, found):
    early = datetime(2025, 11, 13, 9, tzinfo=UTC)
    store.add(
        [found(1, first_seen_at=early), found(2, first_seen_at=LATER)],
        seen_at=SEEN,
    )
    assert {one.first_seen_at for one in store.articles()} == {early, SEEN}


def test_the_same_input_again_changes_nothing(store, found):
    given = [found(number) for number in range(30)]
    assert store.add(given, seen_at=SEEN) == AddCounts(new=30)
    before = list(store.articles())
    assert store.add(given, seen_at=LATER) == AddCounts(unchanged=30)
    assert list(store.articles()) == before


def test_one_url_in_several_forms_is_one_article_even_within_a_batch(store, found):
    given = [
        found(1, url="https://wire.example/a"),
        found(1, url="https://www.wire.example/a/?utm_medium=rss"),
        found(1, url="http://m.wire.example/a#x"),
    ]
    assert store.add(given, seen_at=SEEN) == AddCounts(new=1, unchanged=2)
    assert store.counts().articles == 1


def test_a_changed_text_is_a_revision_and_the_first_text_stays(store, found):
    store.add([found(1, text="First text.")], seen_at=SEEN)
    assert store.add([found(1, text="Second text.", author="B")], seen_at=LATER) == AddCounts(
        updated=1
    )
    (stored,) = store.articles()
    assert (stored.text, stored.author, stored.updated_at) == ("Second text.", "B", LATER)
    assert stored.first_seen_at == SEEN
    first, second = store.revisions(stored.id)
    assert (first.number, first.text, first.seen_at) == (1, "First text.", SEEN)
    assert (second.number, second.text, second.seen_at) == (2, "Second text.", LATER)
    assert second.content_hash == stored.content_hash


def test_two_feeds_that_word_it_differently_do_not_flap(store, found):
    one, other = found(1, title="Wording one"), found(1, title="Wording two", text=None)
    store.add([one], seen_at=SEEN)
    assert store.add([other], seen_at=LATER).updated == 1
    assert store.add([one, other, one], seen_at=LATER) == AddCounts(unchanged=3)
    (stored,) = store.articles()
    assert (stored.title, stored.text) == ("Wording two", one.text)
    assert len(store.revisions(stored.id)) == 2


def test_a_title_only_finding_takes_no_text_away(store, found):
    store.add([found(1)], seen_at=SEEN)
    assert store.add([found(1, text=None, title="")], seen_at=LATER) == AddCounts(unchanged=1)
    assert next(store.articles()).text == found(1).text


def test_a_text_that_comes_later_is_a_revision(store, found):
    store.add([found(1, text=None), found(1)], seen_at=SEEN)
    (stored,) = store.articles()
    assert stored.text == found(1).text
    assert [one.text for one in store.revisions(stored.id)] == [None, stored.text]


def test_a_rerun_over_a_headline_that_was_reworded_with_a_text_changes_nothing(store, found):
    given = [found(1, title="Bare headline", text=None), found(1, title="Reworded headline")]
    assert store.add(given, seen_at=SEEN) == AddCounts(new=1, updated=1)
    assert store.add(given, seen_at=LATER) == AddCounts(unchanged=2)


def test_the_publication_time_is_settled_at_first_sight(store, found):
    store.add([found(1, published_at=None)], seen_at=SEEN)
    store.add([found(1, text="New.", published_at=SEEN - timedelta(days=2))], seen_at=LATER)
    (stored,) = store.articles()
    assert (stored.published_at, stored.published_flag) == (SEEN, PublishedFlag.MISSING)


def test_characters_that_no_database_holds_are_dropped(store, found):
    store.add([found(1, title="A\0B \ud83d", text="tail \udc00 \U0001f680")], seen_at=SEEN)
    (stored,) = store.articles()
    assert stored.title == "AB ?"
    assert stored.text == "tail ? \U0001f680"


def test_a_url_that_is_none_is_an_input_error_and_earlier_batches_stay(store, found):
    given = [found(number) for number in range(501)] + [found(9999, url="not a url")]
    with pytest.raises(InputError, match="not a URL"):
        store.add(given, seen_at=SEEN)
    assert store.counts().articles == 500


def test_findings_of_several_visits_are_kept_at_once_and_counted_apart(store, found):
    store.add([found(1)], seen_at=SEEN)
    copy = found(3, title=found(2).title, text=found(2).text)
    first = Finding(articles=(found(1), found(2), copy), names={})
    identity = article_id(canonical_url(found(2).url))
    # The second one names an article of the first, and brings one of them again.
    second = Finding(
        articles=(found(1, text="A text of its own."), found(2)), names={"b": identity}
    )
    assert store.add_findings([first, second, Finding(articles=(), names={})]) == (
        AddCounts(new=2, unchanged=1, copies=1),
        AddCounts(updated=1, unchanged=1),
        AddCounts(),
    )
    assert store.named_articles(["b"]) == {"b": identity}
    assert store.check() == ()


def test_of_findings_with_a_fault_nothing_is_kept(store, found):
    bad = Finding(articles=(found(2, url="not a url"),), names={})
    with pytest.raises(InputError, match="not a URL"):
        store.add_findings([Finding(articles=(found(1),), names={}), bad])
    assert store.counts().articles == 0


def test_revisions_and_stories_of_unknown_ids_are_empty(store):
    assert store.article("0" * 20) is None
    assert store.revisions("0" * 20) == ()
    assert store.story("0" * 20) == ()


def test_an_empty_store_counts_nothing(store):
    counts = store.counts()
    assert (counts.articles, counts.stories, counts.sources) == (0, 0, 0)
    assert counts.first_published is counts.last_published is None
    assert store.check() == ()


def test_batches_of_any_size_are_looked_up_by_the_same_statements(store, found):
    """Connections keep what they prepared: a statement a size held 40 MB after 8,000 articles."""
    asked = set()

    @event.listens_for(Engine, "before_cursor_execute")
    def note(_connection, _cursor, statement, *_):
        if "story_bands" in statement or "substr" in statement:
            asked.add(statement)

    try:
        for size in range(2, 12):
            first = 100 * size
            store.add([found(number) for number in range(first, first + size)], seen_at=SEEN)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert sum(statement.startswith("SELECT band, ") for statement in asked) == 1
    assert max(map(len, asked)) < 1_000
