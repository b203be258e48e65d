"""Articles, stories, index, study, watch list and what the server says of itself."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from serving import running

from corpus.store import Store
from nlp.index import COLUMNS, build
from nlp.taxonomy import drivers


@pytest.fixture(scope="module")
def store(database):
    with Store.open(database) as opened:
        yield opened


def test_pages_hold_every_article_once(server, store):
    found, cursor = [], None
    while True:
        query = {"limit": 150} | ({"cursor": cursor} if cursor else {})
        page = server.get("/v1/articles", params=query).json()
        found += [article["id"] for article in page["articles"]]
        cursor = page["next"]
        if cursor is None:
            break
        assert len(page["articles"]) == 150
    assert found == [article.id for article in store.articles()]


def test_articles_are_filtered_by_span_and_source(server):
    query = {"since": "2025-11-17", "until": "2025-11-18T00:00:00Z", "source": "Outlet 1"}
    page = server.get("/v1/articles", params=query).json()
    assert page["articles"]
    for article in page["articles"]:
        assert article["published_at"].startswith("2025-11-17T")
        assert article["source"] == "Outlet 1"


def test_an_article_comes_with_the_stored_record(server, store):
    article = next(iter(store.articles(since=datetime(2025, 11, 17, tzinfo=UTC))))
    answer = server.get(f"/v1/articles/{article.id}")
    told = answer.json()
    assert told["article"] == json.loads(article.model_dump_json())
    model = store.tag_models()[0].identity
    assert f'"tags":{store.tag_record(article.id, model)}' in answer.text
    assert told["story"] == [article.id]
    story = server.get(f"/v1/stories/{article.story_id}").json()
    assert [one["id"] for one in story["articles"]] == told["story"]


def test_the_index_is_that_of_the_store(server, store):
    model = store.tag_models()[0]
    index = build(
        store.tagged(model=model.identity, as_of=model.last_tagged_at),
        frequency="W",
        as_of=model.last_tagged_at,
        model=model.identity,
    )
    told = server.get("/v1/index", params={"frequency": "W"}).json()
    assert told["columns"] == list(COLUMNS)
    assert len(told["rows"]) == len(index.frame)
    assert {row["vintage"] for row in told["rows"]} == {index.vintage}
    empty = [row for row in told["rows"] if row["coverage"] == "none"]
    assert empty
    assert all(row["pressure"] is None for row in empty)


def test_the_index_as_csv_is_the_index_file(server):
    query = {
        "frequency": "W",
        "driver": ["etf_flows", "composite"],
        "since": "2025-11-01",
        "until": "2025-11-18",
        "format": "csv",
    }
    answer = server.get("/v1/index", params=query)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["period_start"] for row in rows if row["driver"] == "composite"] == [
        "2025-11-03T00:00:00Z",
        "2025-11-10T00:00:00Z",
        "2025-11-17T00:00:00Z",
    ]
    assert {row["driver"] for row in rows} == {"etf_flows", "composite"}


def test_study_and_watch(server):
    study = server.get("/v1/study").json()
    assert study["verdict"]
    assert study["plan"]["schema"] == 1
    states = server.get("/v1/watch", params={"until": "2025-11-24"}).json()
    assert [state["variable"] for state in states] == ["etf_flows", "treasury", "leverage"]
    assert states[1]["state"] == "selling"
    assert states[1]["evidence"][0]["amount"]["kind"] == "sell"
    latest = server.get("/v1/watch").json()
    assert "7 December 2025" in latest[1]["sentence"]


def test_taxonomy_models_health(server, store):
    told = server.get("/v1/taxonomy").json()
    assert [row["name"] for row in told] == [driver.name for driver in drivers()]
    models = server.get("/v1/models").json()
    assert models["serving"].startswith("undertow-drivers@")
    assert models["stored"][0]["identity"] == store.tag_models()[0].identity
    assert server.get("/healthz").json() == {"status": "alive"}
    assert server.get("/readyz").json() == {"status": "ready"}


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/v1/nothing", 404, "there is nothing at /v1/nothing"),
        ("/v1/articles/00000000000000000000", 404, "there is no article"),
        ("/v1/stories/00000000000000000000", 404, "there is no story"),
        ("/v1/articles/ABC", 422, "path.article_id: "),
        ("/v1/articles?limit=0", 422, "query.limit: "),
        ("/v1/articles?limit=many", 422, "query.limit: "),
        ("/v1/articles?since=yesterday", 422, "query.since: write a time with its zone"),
        ("/v1/articles?since=2025-11-17T10:00:00", 422, "query.since: "),
        ("/v1/articles?since=2025-11-18&until=2025-11-17", 409, "is not before until"),
        ("/v1/articles?cursor=%25%25", 422, "cursor: "),
        ("/v1/articles?cursor=00000000000000000000", 404, "this is no cursor of ours"),
        ("/v1/articles?source=%00", 422, "query.source: "),
        ("/v1/articles?limit=1&limit=2", 422, "query.limit: given 2 times"),
        ("/v1/articles?untli=2025-11-17", 422, "query.untli: there is no such parameter"),
        ("/v1/index?driver=etf", 422, "unknown driver 'etf'"),
        ("/v1/index?frequency=Y", 422, "query.frequency: "),
        ("/v1/index?model=other@1", 404, "no tags of model 'other@1'"),
        ("/v1/index?as_of=2020-01-01", 409, "no story to build an index from"),
        ("/v1/watch?until=0001-01-01", 409, "there is no news before"),
        ("/v1/tag", 405, "GET is not answered at /v1/tag"),
    ],
)
def test_wrong_calls_are_problems_of_one_shape(server, path, status, words):
    answer = server.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert {"type", "title", "status", "detail", "instance", "request_id"} <= problem.keys()
    assert problem["remedy"]
    assert problem["status"] == status
    assert words in problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]


def test_a_store_without_tags_is_a_problem_not_a_failure(tmp_path):
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    with running(url, tmp_path / "empty.log") as server:
        for path in ("/v1/index", "/v1/study", "/v1/watch"):
            answer = server.get(path)
            assert answer.status_code == 409
            assert answer.json()["remedy"] == "run `undertow tag --db` on it first"
        assert server.get("/v1/articles").json() == {"articles": [], "next": None}
        assert server.get("/readyz").status_code == 200
