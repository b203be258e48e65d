"""Keys, headers, request ids, logs, and the description of the API."""

from __future__ import annotations

import json
import time

import pytest

from corpus.errors import FetchError, UsageError
from nlp.records import Item
from service.client import Client
from service.http import hash_key

KEY = "correct horse battery staple"


def test_headers_that_keep_a_browser_safe(server):
    for path in ("/v1/taxonomy", "/v1/nothing", "/healthz"):
        headers = server.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "script-src" not in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers
        assert "uvicorn" not in headers.get("server", "")


def test_a_request_id_is_kept_when_it_is_plain(server):
    kept = server.get("/healthz", headers={"X-Request-ID": "abc-1.2_3"})
    assert kept.headers["x-request-id"] == "abc-1.2_3"
    made = server.get("/healthz", headers={"X-Request-ID": 'x" onload="y'})
    assert made.headers["x-request-id"] != 'x" onload="y'
    assert len(made.headers["x-request-id"]) == 32


def test_logs_tell_the_request_and_never_its_body(server):
    secret = "Bitcoin whispers 9f2c"
    answer = server.post("/v1/tag", json={"title": secret}, headers={"X-Request-ID": "log-test-1"})
    assert answer.status_code == 200
    mine = []
    deadline = time.monotonic() + 300
    while not mine and time.monotonic() < deadline:  # the line is written after the answer
        lines = [
            json.loads(line) for line in server.log().splitlines(keepends=True) if "\n" in line
        ]
        mine = [line for line in lines if line.get("request_id") == "log-test-1"]
    assert [(line["method"], line["route"], line["status"]) for line in mine] == [
        ("POST", "/v1/tag", 200)
    ]
    assert secret not in server.log()


def test_counters_do_not_grow_with_what_is_asked(server):
    for number in range(5):
        server.get(f"/no/such/{number}")
    text = server.get("/metrics").text
    assert 'route="none",status="404"' in text
    assert "/no/such" not in text


def test_with_keys_only_those_who_have_one_are_served(start):
    with start(key_hashes=[hash_key("another"), hash_key(KEY)]) as server:
        for path in ("/v1/taxonomy", "/metrics", "/openapi.json", "/"):
            refused = server.get(path)
            assert refused.status_code == 401
            assert "Bearer" in refused.headers["www-authenticate"]
            assert refused.json()["detail"] == "this server asks for a key"
        wrong = server.get("/v1/taxonomy", headers={"Authorization": "Bearer guess"})
        assert wrong.status_code == 401
        assert wrong.json()["detail"] == "the key is not known here"
        assert server.post("/v1/tag", json={"title": "a"}).status_code == 401
        right = {"Authorization": f"Bearer {KEY}"}
        assert server.get("/v1/taxonomy", headers=right).status_code == 200
        assert server.get("/v1/taxonomy", auth=("anyone", KEY)).status_code == 200
        hashed = {"Authorization": f"Bearer {hash_key(KEY)}"}
        assert server.get("/v1/taxonomy", headers=hashed).status_code == 401
        assert server.get("/healthz").status_code == 200
        assert server.get("/readyz").status_code == 200
        assert KEY not in server.log()


def test_the_description_names_every_way_in_and_its_schemas(server):
    told = server.get("/openapi.json").json()
    ways = {(path, method) for path, methods in told["paths"].items() for method in methods}
    assert {
        ("/v1/tag", "post"),
        ("/v1/articles", "get"),
        ("/v1/articles/{article_id}", "get"),
        ("/v1/stories/{story_id}", "get"),
        ("/v1/index", "get"),
        ("/v1/study", "get"),
        ("/v1/watch", "get"),
        ("/v1/taxonomy", "get"),
        ("/v1/models", "get"),
    } <= ways
    text = json.dumps(told)
    schemas = told["components"]["schemas"]
    wanted = {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert wanted <= schemas.keys()
    assert {"TagRecord", "TagItem", "Problem"} <= schemas.keys()


def test_the_client_speaks_the_same_records(server, tagger):
    items = [Item(id="x", title="Bitcoin funds lose $870 million in a day")]
    with Client(server.url) as client:
        assert client.tag(items) == tagger.tag(items)
        assert client.tag([{"title": "Bitcoin falls"}])[0].id == "1"
        articles = list(client.articles(page=200))
        assert len(articles) == len({one.id for one in articles}) > 400
        article, tags = client.article(articles[0].id)
        assert article == articles[0]
        assert tags is not None
        assert tags.id == article.id
        assert client.story(article.story_id) == (article,)
        rows = client.index(driver="composite", frequency="W")
        assert {row["driver"] for row in rows} == {"composite"}
        assert len(client.watch()) == 3
        assert client.taxonomy()[0].name == "etf_flows"
        assert client.models()["serving"] == tagger.identity
        with pytest.raises(UsageError, match="there is no article"):
            client.article("0" * 20)


def test_the_client_says_what_is_wrong_when_nobody_answers():
    with Client("http://127.0.0.1:9", timeout=2) as client, pytest.raises(FetchError) as error:
        client.taxonomy()
    assert "undertow serve" in error.value.remedy
