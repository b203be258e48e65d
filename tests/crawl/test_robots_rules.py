"""robots.txt by RFC 9309, over real sockets."""

from __future__ import annotations

import asyncio

import pytest
from fault_server import answering, in_turn, reset

from corpus.errors import FetchError, TemporaryFetchError
from corpus.fetch import Fetcher
from corpus.robots import Robots


def permissions(settings, *urls: str) -> list[float | str]:
    """For each address the pause that is wanted, or the reason against fetching it."""

    async def run() -> list[float | str]:
        answers: list[float | str] = []
        async with Fetcher(settings, allow_private=True) as fetcher:
            robots = Robots(fetcher)
            for url in urls:
                try:
                    answers.append(await robots.permission(url))
                except FetchError as error:
                    temporary = isinstance(error, TemporaryFetchError)
                    answers.append(("later: " if temporary else "no: ") + error.message)
            await robots.close()
        return answers

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("rules", "path", "allowed"),
    [
        ("User-agent: *\nDisallow: /private", "/private/a", False),
        ("User-agent: *\nDisallow: /private", "/public", True),
        ("User-agent: *\nDisallow: /\nAllow: /news", "/news/a", True),
        ("User-agent: *\nDisallow: /a\nAllow: /a", "/a", True),
        ("User-agent: *\nDisallow: /*.php$", "/x.php", False),
        ("User-agent: *\nDisallow: /*.php$", "/x.php?a", True),
        ("User-agent: undertow\nDisallow: /\n\nUser-agent: *\nAllow: /", "/a", False),
        ("User-agent: *\nDisallow: /\n\nUser-agent: UNDERTOW\nDisallow:", "/a", True),
        ("User-agent: under\nDisallow: /", "/a", True),
        ("User-agent: undertow-images\nDisallow: /", "/a", True),
        ("User-agent: Undertow/0.1 and more\nDisallow: /", "/a", False),
        ("User-agent: under\nDisallow: /\n\nUser-agent: undertow\nDisallow: /b", "/a", True),
        ("User-agent: otherbot\nDisallow: /", "/a", True),
        ("user-agent: a\nuser-agent: undertow\ndisallow: /x", "/x", False),
        ("\ufeffUser-agent: *\nDisallow: /", "/a", False),
        ("User-agent: *\r\nDisallow: /a # why\r\n", "/a", False),
        ("Disallow: /", "/a", True),
        ("User-agent: *\nDisallow: /caf%C3%A9", "/café", False),
        ("<html>not rules</html>", "/a", True),
        ("", "/a", True),
    ],
)
def test_rules_are_kept(server, settings, rules, path, allowed):
    server.serve("/robots.txt", rules)
    [answer] = permissions(settings, server.url + path)
    assert (answer == 0.0) == allowed, answer


@pytest.mark.parametrize(
    "status", ["401 Unauthorized", "403 Forbidden", "404 Not Found", "410 Gone", "429 Too Many"]
)
def test_no_file_allows_everything(server, settings, status):
    server.serve("/robots.txt", "User-agent: *\nDisallow: /", status)
    assert permissions(settings, server.url + "/a") == [0.0]


@pytest.mark.parametrize("status", ["500 Internal Server Error", "503 Service Unavailable"])
def test_failing_server_forbids_everything(server, settings, status):
    server.serve("/robots.txt", "", status)
    [answer] = permissions(settings, server.url + "/a")
    assert str(answer).startswith("later: its robots.txt cannot be read")


def test_unreachable_file_forbids_everything(server, settings):
    server.on("/robots.txt", reset)
    [answer] = permissions(settings, server.url + "/a")
    assert str(answer).startswith("later: ")


def test_file_is_asked_for_once_and_after_a_passing_failure_again(server, settings):
    server.on("/robots.txt", in_turn(reset, answering("User-agent: *\nDisallow: /b")))
    answers = permissions(settings, server.url + "/a", server.url + "/b", server.url + "/c")
    assert [answers[0], answers[2]] == [0.0, 0.0]
    assert str(answers[1]).startswith("no: ")
    assert len(server.requests) == 2


def test_file_may_be_elsewhere(server, settings):
    server.serve("/robots.txt", "", "301 Moved Permanently", location="/rules.txt")
    server.serve("/rules.txt", "User-agent: *\nDisallow: /a")
    assert str(permissions(settings, server.url + "/a")[0]).startswith("no: ")


def test_of_a_giant_file_the_beginning_counts(server, settings):
    rules = "User-agent: *\nDisallow: /early\n" + "# filler\n" * 80_000 + "Disallow: /late\n"
    assert len(rules) > 500 * 1024
    server.serve("/robots.txt", rules)
    early, late = permissions(settings, server.url + "/early", server.url + "/late")
    assert str(early).startswith("no: ")
    assert late == 0.0


def test_wanted_pause_is_returned_up_to_a_minute(server, settings):
    server.serve("/robots.txt", "User-agent: *\nCrawl-delay: 7\n")
    assert permissions(settings, server.url + "/a") == [7.0]
    server.serve("/robots.txt", "User-agent: *\nCrawl-delay: 86400\n")
    assert permissions(settings, server.url + "/a") == [60.0]
