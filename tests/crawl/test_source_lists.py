"""Lists of outlets: the project's own, a user's, and those of feed readers."""

from __future__ import annotations

import pytest

from corpus.errors import SourceListError
from corpus.opml import dump_opml
from corpus.sources import SourceKind, load_sources


def test_own_list_names_real_outlets_with_terms():
    sources = load_sources()
    assert len(sources) >= 15
    assert {"CoinDesk", "The Block", "Federal Reserve press releases"} <= {
        source.name for source in sources
    }
    for source in sources:
        assert source.language == "en"
        assert source.terms
        assert source.url.startswith("https://")
    assert len({source.url for source in sources}) == len(sources)


def test_every_error_is_named_with_file_line_and_field(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        '[[source]]\nname = "Good"\nurl = "https://good.example/feed"\n\n'
        '[[source]]\nname = "Wrong"\nurl = "ftp://wrong.example/feed"\nlanguage = "english"\n\n'
        '[[source]]\nname = "Good"\nurl = "https://other.example/feed"\nkind = "telex"\n\n'
        '[[source]]\nurll = "https://lost.example/"\nname = 7\n\n'
        '[[source]]\nname = "Good"\nurl = "https://third.example/feed"\n',
        encoding="utf-8",
    )
    with pytest.raises(SourceListError) as caught:
        load_sources(path)
    message = caught.value.message
    assert message.startswith(str(path))
    assert "line 7, url: must be an http or https address" in message
    assert "line 8, language: must be a two-letter language code" in message
    assert "line 13, kind: must be feed or news_sitemap" in message
    assert "line 15, url: is missing" in message
    assert "line 16, urll: unknown" in message
    assert "line 17, name: must be a string" in message
    assert "line 20, name: 'Good' is already the name of line 2" in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "lists no source"),
        ('[[source]\nname = "x"', "not valid TOML.*line 1"),
        ('[[outlet]]\nname = "x"', "line 1, outlet: unknown"),
        ('source = "x"', "must be written as"),
        ("<opml><body>", "line 1: not valid XML"),
        ("<opml version='2.0'><body/></opml>", "lists no source"),
        (
            "<opml><body>\n<outline title='A' xmlUrl='javascript:x'/></body></opml>",
            "line 2, url: must be an http or https address",
        ),
        (
            "<!DOCTYPE o [<!ENTITY a 'x'>]><opml><body><outline text='&a;' xmlUrl='http://a.b/'/>"
            "</body></opml>",
            "document type or entities",
        ),
    ],
)
def test_unusable_lists_are_refused(tmp_path, text, words):
    path = tmp_path / "list"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SourceListError, match=words):
        load_sources(path)


def test_missing_list_is_named(tmp_path):
    with pytest.raises(SourceListError, match=r"none\.toml"):
        load_sources(tmp_path / "none.toml")


def test_opml_takes_a_list_out_and_back_in(tmp_path):
    path = tmp_path / "feeds.opml"
    path.write_text(dump_opml(load_sources()), encoding="utf-8")
    assert load_sources(path) == load_sources()


def test_opml_of_feed_readers_is_read_with_its_folders(tmp_path):
    path = tmp_path / "feeds.opml"
    path.write_text(
        '<?xml version="1.0"?>\n<opml version="1.0"><head><title>mine</title></head><body>\n'
        '<outline text="Coins">\n'
        '  <outline type="rss" text="Harbour Post" xmlUrl="https://post.example/rss"'
        ' language="en-us"/>\n'
        "</outline></body></opml>",
        encoding="utf-8",
    )
    [source] = load_sources(path)
    assert (source.name, source.url) == ("Harbour Post", "https://post.example/rss")
    assert (source.language, source.kind) == ("en", SourceKind.FEED)
