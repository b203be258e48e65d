"""Canonical URLs, ids and content hashes."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.errors import InputError
from corpus.identity import article_id, canonical_url, content_hash, host_of


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("HTTPS://Example.COM/Path/Story", "https://example.com/Path/Story"),
        ("http://example.com/a", "https://example.com/a"),
        ("https://example.com:443/a", "https://example.com/a"),
        ("http://example.com:80/a", "https://example.com/a"),
        ("http://example.com:8080/a", "http://example.com:8080/a"),
        ("http://127.0.0.1/a", "http://127.0.0.1/a"),
        ("http://localhost:8000/a/", "http://localhost:8000/a"),
        ("http://[::1]:8000/a", "http://[::1]:8000/a"),
        ("https://user:secret@example.com./a", "https://example.com/a"),
        ("https://www.example.com/a", "https://example.com/a"),
        ("https://m.example.com/a", "https://example.com/a"),
        ("https://mobile.example.co.uk/a", "https://example.co.uk/a"),
        ("https://m.com/a", "https://m.com/a"),
        ("https://example.com", "https://example.com/"),
        ("https://example.com/a/", "https://example.com/a"),
        ("https://example.com//a/./b/../c", "https://example.com/a/c"),
        ("https://example.com/%7euser/%e2%82%ac", "https://example.com/~user/%E2%82%AC"),
        ("https://example.com/€", "https://example.com/%E2%82%AC"),
        ("https://example.com/a%2Fb", "https://example.com/a%2Fb"),
        ("https://example.com/a#part", "https://example.com/a"),
        ("https://example.com/a?b=2&a=1&b=1", "https://example.com/a?a=1&b=2&b=1"),
        ("https://example.com/a?utm_source=x&UTM_Medium=y&id=3", "https://example.com/a?id=3"),
        ("https://example.com/a?fbclid=1&gclid=2&ref=rss", "https://example.com/a"),
        ("https://example.com/a?empty=&x", "https://example.com/a?empty=&x="),
        ("https://example.com/a/amp/", "https://example.com/a"),
        ("https://amp.example.com/a.amp.html?amp=1", "https://example.com/a.html"),
        ("https://example.com/a?outputType=amp", "https://example.com/a"),
        ("https://example.com/bootcamp", "https://example.com/bootcamp"),
        ("https://www.google.com/amp/s/www.example.com/a/amp/", "https://example.com/a"),
        ("https://example-com.cdn.ampproject.org/c/s/example.com/a", "https://example.com/a"),
        ("https://bücher.example/a", "https://xn--bcher-kva.example/a"),
        ("  https://example.com/a\n", "https://example.com/a"),
        ("urn:undertow:1f", "urn:undertow:1f"),
    ],
)
def test_stated_rules(url, canonical):
    assert canonical_url(url) == canonical
    assert canonical_url(canonical) == canonical


@pytest.mark.parametrize(
    "url", ["", "nan", "/path", "https://", "http://[::1", "https://x:99999/", "c:\\x", "h\ud800:x"]
)
def test_what_is_no_url_is_refused_in_one_line(url):
    with pytest.raises(InputError) as caught:
        canonical_url(url)
    assert "\n" not in str(caught.value)


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=40))
def test_any_path_and_query_give_a_form_that_stands(path, query):
    try:
        once = canonical_url(f"https://example.com/{path}?{query}")
    except InputError:
        return
    assert canonical_url(once) == once
    assert once.isascii()
    assert len(article_id(once)) == 20


def test_ids_and_hashes_are_those_of_the_contract():
    url = "https://example.com/a"
    assert article_id(url) == hashlib.sha256(url.encode()).hexdigest()[:20]
    assert content_hash("A  b", "c\n\nd") == content_hash(" A b ", "c d")
    assert content_hash("A b", None) != content_hash("A", "b")
    assert content_hash("A", None) == content_hash("A", "")
    assert host_of(url) == "example.com"
    assert host_of("urn:undertow:1f") is None
