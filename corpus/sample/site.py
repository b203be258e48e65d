"""Serves the sample site on loopback: validators, proper content types, robots.txt."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from corpus.errors import UndertowError
from corpus.sample.archive import load_archive
from corpus.sample.rendering import Page, render_site
from corpus.sources import Source

PREFERRED_PORT = 8917
_TERMS = "written for Undertow, Apache-2.0"
_log = logging.getLogger(__name__)


def sample_sources(base_url: str) -> tuple[Source, ...]:
    """The feeds of the site that ``serve_sample`` serves at ``base_url``, one an outlet."""
    return tuple(
        Source(
            name=outlet.name,
            url=base_url + outlet.feed_path,
            language="en",
            terms=_TERMS,
        )
        for outlet in load_archive().outlets
    )


@contextmanager
def serve_sample(port: int = 0) -> Iterator[str]:
    """Serves the site on 127.0.0.1 while the block runs and gives its address, without end slash.

    Port 0 takes any free one. Raises :class:`UndertowError` when the port is taken, and
    :class:`InputError` when the sample's files are damaged.
    """
    try:
        server = _Server(("127.0.0.1", port), _Handler)
    except OSError as problem:
        raise UndertowError(
            f"the sample site cannot be served on port {port}: {problem.strerror}",
            remedy="end what listens there, or choose another port",
        ) from problem
    with server:
        base_url = f"http://127.0.0.1:{server.server_address[1]}"
        server.pages = render_site(load_archive(), base_url)
        thread = threading.Thread(target=server.serve_forever, name="sample site", daemon=True)
        thread.start()
        try:
            yield base_url
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    pages: Mapping[str, Page]
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 30  # seconds that a kept connection may idle
    wbufsize = -1  # head and body leave in one segment
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        page = self.server.pages.get(urlsplit(self.path).path)
        if page is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        unchanged = self._unchanged(page)
        self.send_response(HTTPStatus.NOT_MODIFIED if unchanged else HTTPStatus.OK)
        self.send_header("ETag", page.etag)
        self.send_header("Last-Modified", format_datetime(page.last_modified, usegmt=True))
        self.send_header("Cache-Control", "max-age=300")
        if not unchanged:
            self.send_header("Content-Type", page.content_type)
            self.send_header("Content-Length", str(len(page.body)))
        self.end_headers()
        if with_body and not unchanged:
            self.wfile.write(page.body)

    def _unchanged(self, page: Page) -> bool:
        """Whether the client's copy is good still; its ETag counts before its date (RFC 9110)."""
        tags = self.headers.get("If-None-Match")
        if tags is not None:
            return page.etag in (tag.strip().removeprefix("W/") for tag in tags.split(","))
        since = self.headers.get("If-Modified-Since")
        return since is not None and _date(since) >= page.last_modified

    def log_message(self, format: str, *args: object) -> None:
        _log.debug(format, *args)


def _date(text: str) -> datetime:
    """An HTTP date; one that cannot be read is older than every page."""
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
