"""The process in which bytes from strangers are parsed; started by ``corpus.workers``, not by hand.

A job comes on standard input as a length, a line of JSON (what to read, and as what) and the bytes;
the answer goes to standard output as a length and JSON. No pickles: what a page makes of this
process must not run in the other one.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import warnings
from collections.abc import Callable
from typing import Any, BinaryIO

from corpus.errors import FetchError
from corpus.feeds import parse_feed
from corpus.pages import read_page
from corpus.records import Record
from corpus.sitemaps import parse_news_sitemap
from corpus.sources import SourceKind

LENGTH_BYTES = 8
_MEMORY_BYTES = 2 * 1024**3

_JOBS: dict[str, Callable[..., Record]] = {
    SourceKind.FEED: parse_feed,
    SourceKind.NEWS_SITEMAP: parse_news_sitemap,
    "page": read_page,
}


def answer(job: dict[str, Any], data: bytes) -> dict[str, Any]:
    """The result of a job, or the reason why there is none, as JSON values."""
    try:
        read = _JOBS[job["kind"]]
        return {"result": read(data, **job["given"]).model_dump(mode="json")}
    except FetchError as error:
        return {"problem": error.message, "remedy": error.remedy}
    except MemoryError:
        return {"problem": "reading it takes more memory than is allowed", "worn": True}
    except RecursionError:
        return {"problem": "it is nested too deeply to be read"}
    except Exception as error:
        # Parsers fail on hostile input in more ways than can be listed; the crawl goes on.
        return {"problem": f"it cannot be read ({type(error).__name__}: {str(error)[:200]})"}


def serve(jobs: BinaryIO, answers: BinaryIO) -> None:
    """Answer jobs until there are no more."""
    while head := jobs.read(LENGTH_BYTES):
        job = json.loads(jobs.read(int.from_bytes(head)))
        reply = json.dumps(answer(job, jobs.read(job["size"]))).encode()
        answers.write(len(reply).to_bytes(LENGTH_BYTES) + reply)
        answers.flush()


def _limit_memory() -> None:
    try:
        import resource  # noqa: PLC0415 - not on every system
    except ImportError:
        return  # Windows has no such limit; the time limit still holds
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = _MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(hard, _MEMORY_BYTES)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def main() -> None:
    """Serve standard input and output, within the memory limit."""
    # What a library prints must not get between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    logging.disable()
    warnings.simplefilter("ignore")
    _limit_memory()
    try:
        serve(sys.stdin.buffer, answers)
    except BrokenPipeError:
        os._exit(0)  # the crawl is gone, and nobody waits for the answer


if __name__ == "__main__":
    main()
