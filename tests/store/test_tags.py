"""Tags, prices and source states in the store."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from corpus.errors import InputError, StoreError
from corpus.records import Price, SourceState

SEEN = datetime(2025, 11, 20, 12, tzinfo=UTC)
LATER = SEEN + timedelta(days=1)
MODEL = "undertow-drivers@1"


def record(text: str) -> str:
    return json.dumps({"model": MODEL, "read": text})


def tag_all(store, model=MODEL) -> int:
    return store.put_tags(model, ((one, record(one.text)) for one in store.untagged(model)))


def test_untagged_articles_stream_while_tags_are_put(store, found):
    store.add([found(number) for number in range(620)], seen_at=SEEN)
    assert tag_all(store) == 620
    assert list(store.untagged(MODEL)) == []
    assert len(list(store.untagged("another@1"))) == 620


def test_a_revised_article_is_untagged_again_and_keeps_its_former_tag(store, found):
    store.add([found(1, text="First."), found(2)], seen_at=SEEN)
    tag_all(store)
    store.add([found(1, text="Second.")], seen_at=LATER)
    (again,) = store.untagged(MODEL)
    assert again.text == "Second."
    assert store.tag_record(again.id, MODEL) is None
    tag_all(store)
    assert json.loads(store.tag_record(again.id, MODEL))["read"] == "Second."
    by_then = {
        item.article.text: json.loads(item.record)["read"]
        for item in store.tagged(model=MODEL, as_of=SEEN + timedelta(hours=1))
    }
    assert by_then == {"First.": "First.", found(2).text: found(2).text}
    now = {item.article.text for item in store.tagged(model=MODEL)}
    assert now == {"Second.", found(2).text}


def test_as_of_reads_the_content_of_then_with_its_times(store, found):
    store.add([found(1, text="First.")], seen_at=SEEN)
    store.add([found(1, text="Second.")], seen_at=LATER)
    store.add([found(1, text="Third.")], seen_at=LATER + timedelta(days=1))
    store.add([found(2)], seen_at=LATER + timedelta(days=1))
    tag_all(store)
    former = list(store.untagged_revisions(MODEL))
    assert [one.text for one in former] == ["First.", "Second."]
    store.put_tags(MODEL, ((one, record(one.text)) for one in former))
    assert list(store.untagged_revisions(MODEL)) == []
    assert store.check() == ()

    def texts(as_of):
        return [item.article.text for item in store.tagged(model=MODEL, as_of=as_of)]

    assert texts(SEEN - timedelta(seconds=1)) == []
    assert texts(SEEN) == ["First."]
    assert texts(LATER) == ["Second."]
    assert texts(LATER + timedelta(days=1)) == ["Third.", found(2).text]
    (then,) = store.tagged(model=MODEL, as_of=LATER)
    assert (then.article.updated_at, then.article.first_seen_at) == (LATER, SEEN)


def test_records_of_another_schema_count_for_none_where_one_is_asked_for(store, found):
    store.add([found(1, text="First."), found(2)], seen_at=SEEN)
    store.add([found(1, text="Second.")], seen_at=LATER)

    def tag(schema):
        items = [*store.untagged(MODEL), *store.untagged_revisions(MODEL)]
        items += [*store.untagged(MODEL, schema=2), *store.untagged_revisions(MODEL, schema=2)]
        store.put_tags(
            MODEL, ((one, f'{{"id":"{one.id}","schema":{schema},"a":1}}') for one in items)
        )

    tag(1)
    assert list(store.untagged(MODEL)) == []
    assert len(list(store.untagged(MODEL, schema=2))) == 2
    assert [one.text for one in store.untagged_revisions(MODEL, schema=2)] == ["First."]
    tag(2)
    assert list(store.untagged(MODEL, schema=2)) == []
    assert list(store.untagged_revisions(MODEL, schema=2)) == []


@pytest.mark.parametrize("as_of", [None, SEEN, LATER])
def test_headings_are_those_of_the_tagged_articles(store, found, as_of):
    store.add([found(1, title="Old title", text="First."), found(2)], seen_at=SEEN)
    store.add([found(1, title="New title", text="Second.")], seen_at=LATER)
    tag_all(store)
    former = list(store.untagged_revisions(MODEL))
    store.put_tags(MODEL, ((one, record(one.text)) for one in former))
    told = list(store.tagged(model=MODEL, as_of=as_of))
    headings = list(store.tagged_headings(model=MODEL, as_of=as_of))
    assert [one.record for one in headings] == [one.record for one in told]
    for heading, item in zip(headings, told, strict=True):
        whole = item.article.model_dump()
        assert heading.article._asdict() == {name: whole[name] for name in heading.article._fields}
    assert len(told) == 2


def test_tagged_articles_of_a_span_come_in_order_over_pages(store, found):
    start = datetime(2025, 10, 1, tzinfo=UTC)
    given = [found(n, published_at=start + timedelta(minutes=n * 7 % 3000)) for n in range(620)]
    store.add(given, seen_at=SEEN)
    tag_all(store)
    since, until = start + timedelta(minutes=100), start + timedelta(minutes=2500)
    times = [i.article.published_at for i in store.tagged(model=MODEL, since=since, until=until)]
    assert times == sorted(one.published_at for one in given if since <= one.published_at < until)
    assert list(store.tagged(model="another@1")) == []


def test_tags_by_id_stand_for_the_current_content_and_replace(store, found):
    store.add([found(1)], seen_at=SEEN)
    (one,) = store.articles()
    assert store.put_tags(MODEL, [(one.id, "a"), (one.id, "b")]) == 1
    assert store.tag_record(one.id, MODEL) == "b"
    assert store.put_tags(MODEL, [(one.id, "c")]) == 1
    assert store.tag_record(one.id, MODEL) == "c"
    with pytest.raises(StoreError, match="holds no article 'nobody' to tag"):
        store.put_tags(MODEL, [("nobody", "x")])


def test_models_are_told_the_last_one_first(store, found):
    store.add([found(1), found(2)], seen_at=SEEN)
    tag_all(store, "old@1")
    one = next(store.articles())
    store.put_tags("new@1", [(one.id, "{}")])
    assert [(m.identity, m.articles) for m in store.tag_models()] == [("new@1", 1), ("old@1", 2)]
    assert all(model.last_tagged_at.tzinfo is UTC for model in store.tag_models())


def test_prices_come_back_as_a_frame_and_replace_each_other(store):
    day = datetime(2025, 11, 13, tzinfo=UTC)
    given = [
        Price(time=day + timedelta(days=n), asset=asset, close=n + 0.1, currency="USD")
        for n in range(1500)
        for asset in ("ETH", "BTC")
    ]
    assert store.put_prices(given) == 3000
    assert store.put_prices([given[0].model_copy(update={"close": 7.25})]) == 1
    frame = store.prices()
    assert list(frame.columns) == ["time", "asset", "close", "currency"]
    assert len(frame) == 3000
    assert isinstance(frame["time"].dtype, pd.DatetimeTZDtype)
    assert str(frame["time"].dtype.tz) == "UTC"
    ether = store.prices(assets=["ETH"])
    assert set(ether["asset"]) == {"ETH"}
    assert ether["close"].iloc[:3].tolist() == [7.25, 1.1, 2.1]
    assert ether["time"].iloc[0] == pd.Timestamp(day)


def test_an_empty_price_frame_has_its_columns_and_types(store):
    frame = store.prices()
    assert list(frame.columns) == ["time", "asset", "close", "currency"]
    assert str(frame["time"].dtype.tz) == "UTC"
    assert frame["close"].dtype == "float64"


def test_one_asset_in_two_currencies_is_refused(store):
    day = datetime(2025, 11, 13, tzinfo=UTC)
    store.put_prices([Price(time=day, asset="BTC", close=1.0, currency="USD")])
    other = Price(time=day, asset="BTC", close=1.0, currency="USDT")
    with pytest.raises(InputError, match="prices of BTC come in USDT and in USD"):
        store.put_prices([other])
    assert store.prices()["currency"].tolist() == ["USD"]


def test_source_states_are_kept_whole(store):
    state = SourceState(
        name="Wire",
        url="https://wire.example/feed",
        etag='"x"',
        last_attempt_at=SEEN,
        items=4,
        failures=2,
        problem="the server does not answer",
        next_due_at=LATER,
    )
    store.put_source_state(state)
    store.put_source_state(SourceState(name="Another", url="https://a.example/feed"))
    assert store.source_state("Wire") == state
    better = state.model_copy(update={"failures": 0, "problem": None, "last_success_at": LATER})
    store.put_source_state(better)
    assert [one.name for one in store.source_states()] == ["Another", "Wire"]
    assert store.source_state("Wire") == better
    assert store.source_state("none") is None
