"""`undertow sources`: how each outlet stands, and the list in and out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from news_site import BODY, entry, feed

from corpus.sources import Source, load_sources, sitemap_source
from service.cli.program import run

OPML = """<?xml version="1.0"?><opml version="2.0"><body><outline text="Markets">
<outline type="rss" text="Post" xmlUrl="https://post.example/feed"/>
<outline type="rss" text="Wire" xmlUrl="https://wire.example/rss"/>
<outline type="rss" text="Wire" xmlUrl="https://www.wire.example/markets"/>
</outline></body></opml>"""


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("UNDERTOW_SOURCES", raising=False)
    monkeypatch.delenv("UNDERTOW_DB", raising=False)


def test_list_goes_out_as_opml_and_toml_and_comes_back(capfd):
    listed = Path("outlets.toml")
    listed.write_text(
        '# mine\n[[source]]\nname = "Post \\"daily\\""\nurl = "https://post.example/feed"\n'
        'language = "en"\nterms = "asked\\tfor"\noutlet = "Post"\n'
    )
    assert run(["sources", "--sources", "outlets.toml", "--export", "out.opml"]) == 0
    assert "1 outlet written" in capfd.readouterr().out
    assert load_sources(Path("out.opml")) == load_sources(listed)
    assert run(["sources", "--sources", "out.opml", "--export", "again.toml"]) == 0
    assert load_sources(Path("again.toml")) == load_sources(listed)


def test_outlets_of_a_feed_reader_are_added_once(capfd):
    listed = Path("outlets.toml")
    listed.write_text('# mine\n[[source]]\nname = "P"\nurl = "https://post.example/feed"')
    Path("reader.opml").write_text(OPML)
    call = ["sources", "--import", "reader.opml", "--sources", "outlets.toml"]
    # Two outlets of one name are refused as a list, with their lines.
    assert run(call) == 1
    assert "line 4, name: 'Wire' is already the name of line 3" in capfd.readouterr().err
    Path("reader.opml").write_text(
        OPML.replace('"Wire" xmlUrl="https://www', '"P" xmlUrl="https://www')
    )
    assert run(call) == 0
    assert "2 outlets of 3 added" in capfd.readouterr().out
    assert [source.name for source in load_sources(listed)] == ["P", "Wire", "P (wire.example)"]
    assert listed.read_text().startswith("# mine\n")
    assert run(call) == 0
    assert "0 outlets of 3 added" in capfd.readouterr().out
    assert run(["sources", "--import", "reader.opml", "--sources", "new.toml"]) == 0
    assert len(load_sources(Path("new.toml"))) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--import", "reader.opml"], "--sources FILE"),
        (["--import", "reader.opml", "--sources", "a.opml"], "TOML list only"),
        (["--export", "list.csv"], ".opml or .toml"),
        (["--export", "a.opml", "--import", "b.opml"], "do not go together"),
    ],
)
def test_wrong_calls_are_refused(capfd, arguments, words):
    Path("reader.opml").write_text(OPML.replace("Wire", "Other", 1))
    Path("a.opml").write_text(OPML.replace("Wire", "Other", 1))
    assert run(["sources", *arguments]) == 2
    assert words in capfd.readouterr().err


def test_state_is_told_in_words_with_the_remedy(server, capfd):
    server.serve("/feed", feed(entry("/a", "A", BODY), entry("/b", "B", "A line.")))
    server.serve("/b", "", "503 Service Unavailable", retry_after="0")
    server.serve("/html", "<!DOCTYPE html><html>no feed</html>")
    Path("outlets.toml").write_text(
        "\n".join(
            f'[[source]]\nname = "{name}"\nurl = "{server.url}{path}"\n'
            for name, path in (("Good", "/feed"), ("Page", "/html"), ("New", "/new"))
        )
    )
    options = ["--sources", "outlets.toml", "--db", "sqlite:///crawl.db"]
    assert run(["crawl", *options, "--delay=0", "--allow-private"]) == 3
    lines = Path("outlets.toml").read_text()
    Path("outlets.toml").write_text(lines.replace('"New"', '"Newer"'))
    capfd.readouterr()
    assert run(["sources", *options]) == 0
    told = capfd.readouterr().out.splitlines()
    assert told[0].startswith("Good")
    assert "1 of its pages could not be fetched for now (they are tried again)" in told[0]
    assert "2 entries in all" in told[0]
    assert "failing, 1 time in a row: it is not a feed (an HTML page)" in told[1]
    assert "give the address of an RSS, Atom or JSON feed" in told[1]
    assert told[2].split() == ["Newer", "never", "read"]
    assert "New (not in the list)" in told[3]
    assert "check the address, or remove it from the list" in told[3]
    assert run(["sources", *options, "--json"]) == 0
    assert json.loads(capfd.readouterr().out)[1]["state"]["failures"] == 1


def test_sitemap_belongs_to_the_outlet_of_its_site():
    listed = (
        Source(name="Post", url="https://www.post.example/feed", language="en", terms="asked"),
        Source(name="Other", url="https://other.example/feed"),
    )
    source = sitemap_source("https://post.example/sitemap.xml", listed)
    assert (source.outlet, source.language, source.terms) == ("Post", "en", "asked")
    assert sitemap_source("https://third.example/s.xml", listed).outlet == "third.example"


def test_sitemap_is_read_from_the_command_line(server, capfd):
    server.serve(
        "/sitemap.xml",
        '<urlset xmlns:n="http://www.google.com/schemas/sitemap-news/0.9"><url><loc>/a</loc>'
        "<n:news><n:publication_date>2025-11-20T10:00:00Z</n:publication_date><n:title>A</n:title>"
        "</n:news></url><url><loc>/b</loc><n:news><n:publication_date>2024-11-20</n:publication_date>"
        "<n:title>B</n:title></n:news></url></urlset>",
    )
    from news_site import article_page

    server.serve("/a", article_page("A", "a bank"))
    Path("outlets.toml").write_text(f'[[source]]\nname = "Post"\nurl = "{server.url}/feed"\n')
    call = ["crawl", "--sources", "outlets.toml", "--db", "sqlite:///crawl.db", "--delay=0"]
    call += ["--allow-private", "--sitemap", server.url + "/sitemap.xml", "--since", "2025-01-01"]
    assert run(call) == 0
    assert "1 new article" in capfd.readouterr().out
    assert server.paths() == ["/sitemap.xml", "/a"]
    assert run(["crawl", "--sitemap", "ftp://post.example/x"]) == 1
    assert "not an http or https address" in capfd.readouterr().err
