"""The cases of Google's published robots.txt test, in our own words; those only Google has are out.

Each case gives a file (lines parted by ``|``), a name to ask as, and addresses with what holds.
"""

from __future__ import annotations

import pytest

from corpus.robots import RobotsFile

FISH = "user-agent: undertow|disallow: /|allow: {}"

CASES = {
    "line": ("user-agent: undertow|disallow: /", "-/x/y"),
    "line without its colon": ("user-agent undertow|disallow /", "-/x/y"),
    "line of unknown names": ("foo: undertow|bar: /", "+/x/y"),
    "groups, own first": (
        "allow: /foo/bar/||user-agent: undertow|disallow: /|allow: /x/|user-agent: barbot|"
        "disallow: /|allow: /y/|||allow: /w/|user-agent: bazbot||user-agent: undertow|allow: /z/|"
        "disallow: /",
        "+/x/b +/z/d -/y/c -/foo/bar/",
    ),
    "groups, rules after empty lines belong to the group": (
        "user-agent: foobot|disallow: /|user-agent: undertow|disallow: /|allow: /y/|||allow: /w/",
        "+/y/c +/w/a -/z/d",
    ),
    "groups, one without rules of its own joins the next": (
        "user-agent: undertow||user-agent: foobot|allow: /z/|disallow: /",
        "+/z/d -/y/c",
    ),
    "groups, another line between the names": (
        "user-agent: undertow|sitemap: https://foo.bar/sitemap|user-agent: *|disallow: /",
        "-/x",
    ),
    "groups, unknown line between the names": (
        "user-agent: undertow|invalid-unknown-line: unknown|user-agent: *|disallow: /",
        "-/x",
    ),
    "line names in capitals": ("USER-AGENT: undertow|ALLOW: /x/|DISALLOW: /", "+/x/y -/a/b"),
    "line names in mixed case": ("uSeR-aGeNt: undertow|AlLoW: /x/|dIsAlLoW: /", "+/x/y -/a/b"),
    "agent in capitals": ("User-Agent: UNDERTOW|Allow: /x/|Disallow: /", "+/x/y -/a/b"),
    "agent in mixed case": ("User-Agent: UnDerToW|Allow: /x/|Disallow: /", "+/x/y -/a/b"),
    "agent with more behind it": ("User-Agent: UNDERTOW BAR|Allow: /x/|Disallow: /", "+/x/y -/a/b"),
    "agent with a version": ("User-Agent: undertow/2.1|Disallow: /", "-/a"),
    "agent that only begins alike": ("User-Agent: under|Disallow: /", "+/a"),
    "agent that only goes on alike": ("User-Agent: undertowing|Disallow: /", "+/a"),
    "no file": ("", "+/x/y"),
    "group for everybody is second to the own": (
        "user-agent: *|allow: /|user-agent: undertow|disallow: /",
        "-/x/y",
    ),
    "group for everybody": ("user-agent: foobot|disallow: /|user-agent: *|allow: /", "+/x/y"),
    "groups for others only": (
        "user-agent: foobot|allow: /|user-agent: barbot|disallow: /|user-agent: bazbot|disallow: /",
        "+/x/y",
    ),
    "paths keep their case": ("user-agent: undertow|disallow: /X/", "+/x/y"),
    "longest, disallow": (
        "user-agent: undertow|disallow: /x/page.html|allow: /x/",
        "-/x/page.html",
    ),
    "longest, allow": (
        "user-agent: undertow|allow: /x/page.html|disallow: /x/",
        "+/x/page.html -/x/",
    ),
    "empty rules": ("user-agent: undertow|disallow: |allow: ", "+/x/page.html"),
    "equal rules": ("user-agent: undertow|disallow: /|allow: /", "+/x/page.html"),
    "slash at the end": ("user-agent: undertow|disallow: /x|allow: /x/", "-/x +/x/"),
    "equal long rules": (
        "user-agent: undertow|disallow: /x/page.html|allow: /x/page.html",
        "+/x/page.html",
    ),
    "longest with a star": (
        "user-agent: undertow|allow: /page|disallow: /*.html",
        "-/page.html +/page",
    ),
    "longest with a star, allow": (
        "user-agent: undertow|allow: /x/page.|disallow: /*.html",
        "+/x/page.html -/x/y.html",
    ),
    "own group only": (
        "User-agent: *|Disallow: /x/|User-agent: undertow|Disallow: /y/",
        "+/x/page -/y/page",
    ),
    "query is part of the path": (
        "User-agent: undertow|Disallow: /|Allow: /foo/bar?qux=taz&baz=http://foo.bar?tar&par",
        "+/foo/bar?qux=taz&baz=http://foo.bar?tar&par",
    ),
    "letters beyond ASCII": (
        "User-agent: undertow|Disallow: /|Allow: /foo/bar/ツ",
        "+/foo/bar/%E3%83%84",
    ),
    "escaped letters": (
        "User-agent: undertow|Disallow: /|Allow: /foo/bar/%E3%83%84",
        "+/foo/bar/%E3%83%84",
    ),
    "escapes that need none": (
        "User-agent: undertow|Disallow: /|Allow: /foo/bar/%62%61%7A",
        "+/foo/bar/%62%61%7A",
    ),
    "star": (
        "User-agent: undertow|Disallow: /foo/bar/quz|Allow: /foo/*/qux",
        "-/foo/bar/quz +/foo/quz +/foo//quz +/foo/bax/quz",
    ),
    "dollar": (
        "User-agent: undertow|Disallow: /foo/bar$|Allow: /foo/bar/qux",
        "-/foo/bar +/foo/bar/qux +/foo/bar/ +/foo/bar/baz",
    ),
    "hash": (
        "User-agent: undertow|# Disallow: /|Disallow: /foo/quz#qux|Allow: /",
        "+/foo/bar -/foo/quz",
    ),
    "prefix": (
        FISH.format("/fish"),
        "-/bar +/fish +/fish.html +/fish/salmon.html +/fishheads +/fishheads/yummy.html"
        " +/fish.html?id=anything -/Fish.asp -/catfish -/?id=fish",
    ),
    "prefix and star": (
        FISH.format("/fish*"),
        "-/bar +/fish +/fish.html +/fish/salmon.html +/fishheads -/Fish.bar -/catfish -/?id=fish",
    ),
    "folder": (
        FISH.format("/fish/"),
        "-/bar +/fish/ +/fish/salmon +/fish/?salmon +/fish/?id=anything -/fish -/fish.html"
        " -/Fish/Salmon.html",
    ),
    "suffix": (
        FISH.format("/*.php"),
        "-/bar +/filename.php +/folder/filename.php +/folder/filename.php?parameters"
        " +//folder/any.php.file.html +/filename.php/ +/index?f=filename.php/ -/php/ -/index?php"
        " -/windows.PHP",
    ),
    "suffix and end": (
        FISH.format("/*.php$"),
        "-/bar +/filename.php +/folder/filename.php -/filename.php?parameters -/filename.php/"
        " -/filename.php5 -/php/ -/filename?php -/aaaphpaaa -//windows.PHP",
    ),
    "star within": (
        FISH.format("/fish*.php"),
        "-/bar +/fish.php +/fishheads/catfish.php?parameters -/Fish.PHP",
    ),
    "precedence 1": ("user-agent: undertow|allow: /p|disallow: /", "+/page"),
    "precedence 2": ("user-agent: undertow|allow: /folder|disallow: /folder", "+/folder/page"),
    "precedence 3": ("user-agent: undertow|allow: /page|disallow: /*.htm", "-/page.htm"),
    "precedence 4": ("user-agent: undertow|allow: /$|disallow: /", "+/ -/page.html"),
}
LINE_ENDS = {"unix": "\n", "dos": "\r\n", "old mac": "\r"}


@pytest.mark.parametrize("name", CASES)
def test_case_of_the_published_list(name):
    text, wanted = CASES[name]
    rules = RobotsFile(text.replace("|", "\n").encode())
    for one in wanted.split():
        allowed = rules.allows("https://foo.bar" + one[1:])
        assert allowed is (one[0] == "+"), one


@pytest.mark.parametrize("end", LINE_ENDS.values(), ids=LINE_ENDS)
@pytest.mark.parametrize("last", [True, False])
def test_lines_may_end_in_any_way(end, last):
    lines = ["User-Agent: foo", "Allow: /some/path", "User-Agent: undertow", "", "", "Disallow: /"]
    text = end.join(lines) + (end if last else "")
    assert not RobotsFile(text.encode()).allows("https://foo.bar/a")


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b""])
def test_byte_order_mark_is_passed_over(mark):
    rules = RobotsFile(mark + b"User-Agent: undertow\nDisallow: /\n")
    assert not rules.allows("https://foo.bar/a")


def test_damaged_bytes_cost_their_line_only():
    rules = RobotsFile(
        b"\xff\xfe\x00garbage\nUser-Agent: undertow\nDisallow: /\xe4\nDisallow: /b\n"
    )
    assert not rules.allows("https://foo.bar/b")
    assert rules.allows("https://foo.bar/c")


def test_long_lines_do_no_harm():
    text = "user-agent: undertow\ndisallow: /x/" + "a" * 20_000 + "/qux\ndisallow: /y\n"
    rules = RobotsFile(text.encode())
    assert rules.allows("https://foo.bar/fux")
    assert not rules.allows("https://foo.bar/y")
