"""The chain over a store: import, tag, index, study, report, watch, and what shows the store."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from corpus.records import FoundArticle
from corpus.store import Store
from corpus.store.schema import VERSION_TABLE
from nlp.index import COLUMNS, read_frame


@pytest.fixture
def own_store(store_url):
    """A copy of the store that a test may change."""
    shutil.copy(store_url.removeprefix("sqlite:///"), "own.db")
    return "sqlite:///own.db"


def test_importing_again_changes_nothing(undertow, news_file):
    first = undertow("import", news_file, "--db", "sqlite:///new.db", "--json")
    assert first.code == 0
    assert first.data()["new"] == 105
    again = undertow("import", news_file, "--db", "sqlite:///new.db", "--json")
    assert (again.data()["new"], again.data()["unchanged"]) == (0, 105)


def test_broken_rows_of_an_import_are_named_and_the_rest_is_taken(undertow, news_file):
    lines = news_file.read_text(encoding="utf-8").splitlines()[:4]
    lines.insert(2, "{not JSON")
    Path("news.jsonl").write_text("\n".join(lines))
    outcome = undertow("import", "news.jsonl", "--db", "sqlite:///new.db", "--json")
    assert outcome.code == 3
    assert (outcome.data()["new"], outcome.data()["failed"]) == (4, 1)
    assert outcome.err.startswith("undertow: news.jsonl:3: not valid JSON")


def test_the_store_comes_from_the_environment(undertow, store_url, monkeypatch):
    monkeypatch.setenv("UNDERTOW_DB", store_url)
    assert undertow("db", "check", "--json").data()["articles"] == 105


def test_tag_takes_what_is_untagged_and_then_nothing(undertow, own_store):
    new = FoundArticle(
        url="https://outlet0.example/news/late",
        title="Spot Bitcoin ETFs lose $99 million",
        source="Outlet 0",
    )
    with Store.open(own_store) as store:
        store.add([new])
    assert undertow("tag", "--db", own_store, "--json").data()["rows"] == 1
    again = undertow("tag", "--db", own_store)
    assert again.code == 0
    assert again.out.startswith("Nothing to tag")


def test_an_article_without_text_has_its_summary_tagged(tagger):
    from datetime import UTC, datetime

    from corpus.records import Article, PublishedFlag
    from service.batch import article_item

    moment = datetime(2025, 11, 14, tzinfo=UTC)
    article = Article(
        id="a",
        url="https://outlet0.example/a",
        title="Markets",
        text=None,
        summary="Spot Bitcoin ETFs lose money.",
        source="Outlet 0",
        author=None,
        language=None,
        published_at=moment,
        published_claimed=None,
        published_flag=PublishedFlag.MISSING,
        first_seen_at=moment,
        updated_at=moment,
        content_hash="0",
        story_id="a",
    )
    item = article_item(article)
    assert (item.text, item.published_at) == (article.summary, None)
    dated = article.model_copy(update={"published_flag": PublishedFlag.EXACT, "text": "Body"})
    assert (article_item(dated).text, article_item(dated).published_at) == ("Body", moment)


def test_index_prints_a_table_and_writes_the_contract(undertow, store_url):
    outcome = undertow("index", "--freq", "W", "--db", store_url, "-o", "index.csv")
    assert outcome.code == 0
    for driver in ("etf_flows", "treasury", "leverage", "macro", "composite"):
        assert f"\n  {driver} " in outcome.out
    assert "base window 2025-09-01 to 2025-09-29" in outcome.out
    frame = read_frame(Path("index.csv"))
    assert tuple(frame.columns) == COLUMNS
    assert frame["period_start"].nunique() == 10


def test_index_as_json_is_the_frame(undertow, store_url):
    told = undertow("index", "--asset", "BTC", "--asset", "all", "--db", store_url, "--json").data()
    assert {row["asset"] for row in told["periods"]} == {"BTC", "all"}
    assert told["rows"] == len(told["periods"])
    assert set(told["periods"][0]) == set(COLUMNS)


def test_index_knows_only_what_had_been_seen(undertow, one_line, store_url):
    outcome = undertow("index", "--as-of", "2025-10-01", "--db", store_url)
    assert outcome.code == 1
    assert "no story" in one_line(outcome)


def test_study_from_store_and_from_files_agree(undertow, store_url):
    stored = undertow("study", "--db", store_url, "--json")
    assert stored.code == 0
    every = ("--asset", "all", "--asset", "BTC", "--asset", "ETH")
    undertow("index", *every, "--db", store_url, "-o", "index.parquet")
    undertow("export", "--what", "prices", "--db", store_url, "-o", "prices.csv")
    from_files = undertow(
        "study", "--index", "index.parquet", "--prices", "prices.csv", "-o", "study.json"
    )
    assert from_files.code == 0
    assert from_files.out.startswith(f"{len(stored.data()['cells'])} tests over ")
    assert json.loads(Path("study.json").read_text(encoding="utf-8")) == stored.data()


def test_study_says_that_times_without_a_zone_are_taken_as_utc(undertow, store_url):
    undertow("export", "--what", "prices", "--db", store_url, "-o", "prices.csv")
    study = ("study", "--prices", "prices.csv", "--db", store_url)
    zoned = undertow(*study)
    told = Path("prices.csv").read_text(encoding="utf-8")
    Path("prices.csv").write_text(told.replace("Z,", ",").replace("+00:00,", ","))
    plain = undertow(*study)
    assert (zoned.code, plain.code) == (0, 0)
    notes = set(plain.out.splitlines()) - set(zoned.out.splitlines())
    assert len(notes) == 1
    assert "prices.csv: times without a zone, like 2025-" in notes.pop()
    assert "without a zone" in "".join(undertow(*study, "--json").data()["notes"])


def test_study_names_a_broken_price_and_goes_on(undertow, store_url):
    undertow("export", "--what", "prices", "--db", store_url, "-o", "prices.csv")
    with Path("prices.csv").open("a", encoding="utf-8") as file:
        file.write("2025-12-31T00:00:00Z,BTC,none,USD\n")
    outcome = undertow("study", "--prices", "prices.csv", "--db", store_url)
    assert outcome.code == 3
    assert "prices.csv:" in outcome.err
    assert "'none' is no positive number" in outcome.err


@pytest.mark.parametrize(
    ("form", "mark"), [("html", "<!doctype html>"), ("md", "# "), ("json", "{")]
)
def test_report_in_each_format(undertow, store_url, form, mark):
    to_file = undertow("report", "--week", "2025-W44", "--db", store_url, "-o", f"week.{form}")
    assert to_file.code == 0
    assert f"Report: week.{form}" in to_file.out
    text = Path(f"week.{form}").read_text(encoding="utf-8")
    assert text.lower().startswith(mark)
    printed = undertow("report", "--week", "2025-W44", "--db", store_url, "--format", form)
    if form == "html":
        assert Path("report-2025-W44.html").read_text(encoding="utf-8") == text
    else:
        assert printed.out == text


def test_report_of_a_week_without_news(undertow, one_line, store_url):
    outcome = undertow("report", "--week", "2024-W01", "--db", store_url)
    assert outcome.code in {1, 2}
    assert one_line(outcome)
    assert not Path("report-2024-W01.html").exists()


def test_watch_tells_three_states_with_their_reports(undertow, store_url):
    states = undertow("watch", "--until", "2025-10-20", "--db", store_url, "--json").data()
    assert [one["variable"] for one in states] == ["etf_flows", "treasury", "leverage"]
    words = undertow("watch", "--until", "2025-10-20", "--db", store_url)
    assert words.out.startswith("ETF flows stabilising: ")
    assert "Note:" not in words.out
    assert "the newest article is of 2025-11-09" in undertow("watch", "--db", store_url).out


def test_story_by_the_id_of_an_article(undertow, one_line, store_url):
    with Store.open(store_url) as store:
        article = next(store.articles())
    shown = undertow("story", article.id, "--db", store_url)
    assert shown.out.startswith(article.title)
    assert article.url in shown.out
    assert "etf_flows" in shown.out
    told = undertow("story", article.story_id, "--db", store_url, "--json").data()
    assert told["articles"][0]["id"] == article.story_id
    assert told["tags"]["id"] == article.story_id
    missing = undertow("story", "nothing", "--db", store_url)
    assert missing.code == 1
    assert "nothing" in one_line(missing)


def test_export_comes_back_as_it_was(undertow, store_url):
    assert undertow("export", "-o", "articles.parquet", "--db", store_url).code == 0
    assert undertow("import", "articles.parquet", "--db", "sqlite:///copy.db").code == 0
    with Store.open(store_url) as one, Store.open("sqlite:///copy.db") as other:
        assert list(one.articles()) == list(other.articles())


def test_exported_tags_carry_their_articles(undertow, store_url):
    told = undertow("export", "--what", "tags", "-o", "tags.jsonl", "--db", store_url, "--json")
    assert told.data()["written"] == 105
    first = json.loads(Path("tags.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert {"url", "title", "source", "published_at", "drivers"} <= set(first)


def test_exported_prices_are_a_price_file(undertow, store_url):
    undertow("export", "--what", "prices", "-o", "prices.csv", "--db", store_url)
    with Store.open(store_url) as store:
        held = store.prices()
    written = pd.read_csv("prices.csv", parse_dates=["time"])
    assert list(written.columns) == ["time", "asset", "close", "currency"]
    assert written["close"].tolist() == held["close"].tolist()


def test_db_check_finds_a_fault(undertow, own_store):
    assert undertow("db", "check", "--db", own_store).out.endswith("Sound.\n")
    with sqlite3.connect("own.db") as connection:
        connection.execute("UPDATE articles SET title = 'other' WHERE rowid = 1")
    outcome = undertow("db", "check", "--db", own_store)
    assert outcome.code == 1
    assert "1 fault." in outcome.out


def test_a_store_of_a_newer_version_is_refused(undertow, one_line, own_store):
    assert undertow("db", "version", "--db", own_store).code == 0
    with sqlite3.connect("own.db") as connection:
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    outcome = undertow("index", "--db", own_store)
    assert outcome.code == 1
    assert "newer" in one_line(outcome)
    assert "upgrade" in outcome.err


def test_db_upgrade_makes_a_store(undertow):
    outcome = undertow("db", "upgrade", "--db", "sqlite:///new.db", "--json")
    assert outcome.data()["schema_version"] == Store.schema_version
    assert Path("new.db").exists()


def test_sources_in_plain_words(undertow):
    from datetime import UTC, datetime, timedelta

    from corpus.records import SourceState

    now = datetime.now(tz=UTC)
    Path("outlets.toml").write_text(
        "".join(
            f'[[source]]\nname = "{name}"\nurl = "https://{name}.example/feed"\n'
            for name in ("new", "well", "sick")
        ),
        encoding="utf-8",
    )
    with Store.open("sqlite:///new.db") as store:
        read = SourceState(
            name="well",
            url="https://well.example/feed",
            last_attempt_at=now - timedelta(hours=3, minutes=5),
            last_success_at=now - timedelta(hours=3, minutes=5),
            items=12,
        )
        store.put_source_state(read)
        store.put_source_state(
            read.model_copy(update={"name": "sick", "failures": 2, "problem": "no such host"})
        )
    arguments = ("sources", "--sources", "outlets.toml", "--db", "sqlite:///new.db")
    shown = undertow(*arguments).out.splitlines()
    assert shown[0] == "new   never read"
    assert shown[1] == "well  well, read 3 hours ago; 12 entries in all"
    assert shown[2].startswith("sick  failing, 2 times in a row: no such host; last read 3 hours")
    told = undertow(*arguments, "--json").data()
    assert [one["state"] is None for one in told] == [True, False, False]
