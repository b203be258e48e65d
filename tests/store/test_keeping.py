"""The state of a store at a glance, and results kept beside it."""

from __future__ import annotations

from datetime import UTC, datetime

from corpus.records import FoundArticle, Price
from corpus.store import Store

NOON = datetime(2025, 11, 17, 12, tzinfo=UTC)


def found(number):
    return FoundArticle(
        url=f"https://outlet.example/{number}",
        title=f"Funds lose {number} million dollars in a day",
        source="outlet",
        published_at=NOON.replace(minute=number),
    )


def test_the_state_changes_with_articles_tags_and_prices_and_with_nothing_else(tmp_path):
    with Store.open(f"sqlite:///{tmp_path / 'a.db'}") as store:
        empty = store.state()
        assert (empty.models, empty.articles, empty.last_published) == ((), 0, None)
        store.add([found(1), found(2)], seen_at=NOON.replace(hour=13))
        filled = store.state()
        assert filled.last_published == NOON.replace(minute=2)
        assert filled != empty
        assert store.state() == filled
        first, second = (one.id for one in store.articles())
        store.put_tags("b@1", [(first, "{}")])
        store.put_tags("a@1", [(second, "{}")])
        tagged = store.state()
        assert [name for name, _ in tagged.models] == ["a@1", "b@1"]
        assert tagged.models == tuple(
            (one.identity, one.last_tagged_at) for one in store.tag_models()
        )
        store.put_prices([Price(time=NOON, asset="BTC", close=1.0, currency="USD")])
        assert store.state() != tagged
        priced = store.state()
        store.keep("x", "s", "body")
        assert store.state() == priced


def test_a_kept_result_is_replaced_and_found_again(tmp_path):
    url = f"sqlite:///{tmp_path / 'a.db'}"
    with Store.open(url) as store:
        assert store.kept("board") is None
        store.keep("board", "one", "{1}")
        store.keep("board", "two", "{2}")
    with Store.open(url) as store:
        assert store.kept("board") == ("two", "{2}")
