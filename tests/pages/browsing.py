"""Looking at pages: wait until the figures are made, and watch what must not happen."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def until_made(server: Any, path: str = "/") -> str:
    """The page once its figures are made, asked for again as the page itself does."""
    for _ in range(600):
        answer = server.get(path, headers={"Accept": "text/html"})
        if "refresh" not in answer.headers:
            return str(answer.text)
        time.sleep(0.5)
    raise AssertionError("the figures were not made")


@contextmanager
def watched(browser: Any, url: str, **options: Any) -> Iterator[Any]:
    """A page that must stay without console errors, dialogs and outside requests."""
    context = browser.new_context(base_url=url, **options)
    opened = context.new_page()
    opened.set_default_timeout(120_000)
    wrong: list[str] = []
    opened.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("dialog", lambda one: (wrong.append(f"dialog: {one.message}"), one.dismiss()))
    opened.on(
        "request",
        lambda one: (
            None if one.url.startswith(url) else wrong.append(f"outside request: {one.url}")
        ),
    )
    yield opened
    context.close()
    assert wrong == []
