"""Stories of rewritten reports: what joins, what stays apart, and merges that lose no id."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from corpus.same_event import rarity
from corpus.store import Store

SEEN = datetime(2025, 11, 20, 12, tzinfo=UTC)
DAY = datetime(2025, 11, 12, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)

# Three reports of one made-up purchase, in words of their own, and what is not that purchase.
REPORTS = (
    (
        "Lantern Harbor buys 412 bitcoin for its treasury",
        "Lantern Harbor, a shipping firm from Gdansk, bought 412 bitcoin for $43 million, it told"
        " the exchange on Monday. Its chief executive Ida Nowak spoke of a first step.",
    ),
    (
        "Gdansk shipper Lantern Harbor adds 412 BTC in $43M purchase",
        "The Polish shipping company Lantern Harbor has added 412 BTC to its balance sheet, paying"
        " about $43 million, according to a filing. Ida Nowak, who runs it, plans to buy more.",
    ),
    (
        "Shipping firm Lantern Harbor puts $43 million into bitcoin",
        "A filing shows that Lantern Harbor of Gdansk spent $43 million on 412 bitcoin. Nowak said"
        " that the company wants to hold the coins for years.",
    ),
)
OTHERS = (
    (
        "Treasury firms slow their bitcoin buying, a bank finds",
        "Companies that hold bitcoin in their treasury bought less this month than in any since"
        " spring, a bank wrote to its clients, and some have begun to sell shares instead.",
    ),
    (
        "Miners in Norway sell machines as power prices rise",
        "Power prices made three miners near Tromso sell 900 machines, the regional paper wrote.",
    ),
)


@pytest.fixture
def article(found):
    def make(number: int, told: tuple[str, str], hours: float, **fields):
        title, text = told
        return found(
            number,
            title=title,
            text=text,
            source=f"Outlet {number}",
            published_at=DAY + hours * HOUR,
            **fields,
        )

    return make


def story_of(store: Store, number: int) -> str:
    (one,) = store.articles(source=f"Outlet {number}")
    return one.story_id


def test_rewritten_reports_share_a_story_and_say_why(store, article):
    store.add([article(n, told, n) for n, told in enumerate(REPORTS)], seen_at=SEEN)
    head, *others = store.story(story_of(store, 0))
    assert head.source == "Outlet 0"
    assert len(others) == 2
    first, *matches = store.story_matches(head.id)
    assert (first.matched_id, first.score, first.reason) == (None, None, None)
    for match in matches:
        assert match.matched_id in {head.id, *(one.id for one in others)}
        assert 0.5 < match.score < 1
        assert match.reason.startswith("same event: both have ")
        assert "h apart" in match.reason


def test_other_news_of_the_same_kind_is_another_story(store, article):
    given = [article(0, REPORTS[0], 0), article(1, OTHERS[0], 2), article(2, OTHERS[1], 1)]
    store.add(given, seen_at=SEEN)
    assert store.counts().stories == 3


def test_a_report_after_more_than_72_hours_is_another_story(store, article):
    store.add([article(0, REPORTS[0], 0), article(1, REPORTS[1], 73)], seen_at=SEEN)
    assert store.counts().stories == 2


def test_two_days_reports_in_other_words_and_with_other_figures_are_two_stories(store, article):
    one = (
        "Spot bitcoin funds shed $870 million on Thursday",
        "Investors pulled $870 million from US spot bitcoin funds on Thursday, November 13.",
    )
    other = (
        "Investors pull $492 million from spot bitcoin funds",
        "US spot bitcoin funds lost $492 million on Friday, November 14, in another day of flight.",
    )
    store.add([article(0, one, 0), article(1, other, 24)], seen_at=SEEN)
    assert store.counts().stories == 2


def bridged(article):
    """Two reports with too little in common, and one that has much in common with both."""
    left = ("Lantern Harbor buys coins", "Lantern Harbor bought coins, said Ida Nowak of Gdansk.")
    right = (
        "Polish shipper spends $43 million on 412 bitcoin",
        "A filing from Gdansk tells of 412 bitcoin for $43 million, bought by a shipping firm.",
    )
    bridge = (
        "Polish shipper Lantern Harbor buys coins: 412 bitcoin for $43 million",
        "Lantern Harbor of Gdansk, a shipping firm, spent $43 million on 412 bitcoin, as Ida Nowak"
        " said and a filing tells.",
    )
    return [article(0, left, 0), article(1, right, 1), article(2, bridge, 2)]


def merged_store(store, article) -> tuple[str, str]:
    left, right, bridge = bridged(article)
    store.add([left, right], seen_at=SEEN)
    into, gone = story_of(store, 0), story_of(store, 1)
    assert into != gone
    store.add([bridge], seen_at=SEEN + HOUR)
    return into, gone


def test_two_stories_that_prove_to_be_one_are_merged_and_no_id_is_lost(store, article):
    into, gone = merged_store(store, article)
    assert {one.story_id for one in store.articles()} == {into}
    assert store.story(gone) == store.story(into)
    assert len(store.story(into)) == 3
    (merge,) = store.story_merges(gone)
    assert (merge.from_id, merge.into_id, merge.merged_at) == (gone, into, SEEN + HOUR)
    assert merge.article_id in {one.id for one in store.story(into)}
    assert 0 < merge.score <= 1
    assert merge.reason
    assert store.check() == ()


def test_what_was_known_before_a_merge_is_told_as_it_was(store, article):
    into, gone = merged_store(store, article)
    store.put_tags("m@1", [(one.id, "{}") for one in store.articles()])

    def stories(as_of):
        return [one.article.story_id for one in store.tagged(model="m@1", as_of=as_of)]

    assert stories(SEEN) == [into, gone]
    assert stories(SEEN + HOUR) == [into] * 3
    assert stories(None) == [into] * 3


def test_news_that_comes_again_or_later_changes_no_story(store, article):
    given = [article(n, told, n) for n, told in enumerate((*REPORTS, *OTHERS))]
    store.add(given, seen_at=SEEN)
    before = {one.id: one.story_id for one in store.articles()}
    store.add(given, seen_at=SEEN + HOUR)
    store.add([article(9, REPORTS[1], 5)], seen_at=SEEN + HOUR)
    after = {one.id: one.story_id for one in store.articles()}
    assert before.items() <= after.items()


def test_a_merge_in_the_midst_of_one_batch_is_recorded_too(store, article):
    store.add(bridged(article), seen_at=SEEN)
    assert store.counts().stories == 1
    head = next(store.articles()).story_id
    (merge,) = store.story_merges(head)
    assert store.story(merge.from_id) == store.story(head)
    assert store.check() == ()


def test_rare_words_weigh_more():
    assert rarity("bitcoin") < rarity("treasury") < rarity("lantern")
