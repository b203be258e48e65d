"""How fast a crawl is beside Scrapy with trafilatura on the same pages, and whether memory is flat.

``python tests/bench_crawl.py --sources 500 --articles 4 [--scrapy-python PYTHON] [--rounds 3]``
serves outlets on loopback, each at an address of its own, with a feed of headlines and the pages
behind it, and has them crawled by each program in turn, in every round anew. Told are pages a
second, processor seconds a page (of the program and its children; this is what counts on a machine
that others use too), and the memory of the main process along the way. Scrapy is no dependency:
name a Python that has it and trafilatura.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from corpus.same_event import rarities

ROOT = Path(__file__).parents[1]
SPIDER = """
import json, sys
import scrapy, trafilatura
from scrapy.crawler import CrawlerProcess

class Outlets(scrapy.Spider):
    name = "outlets"
    start_urls = json.load(open(sys.argv[1]))
    def parse(self, response):
        for link in response.xpath("//item/link/text()").getall():
            yield response.follow(link, self.read)
    def read(self, response):
        document = trafilatura.bare_extraction(
            response.text, url=response.url, include_comments=False, with_metadata=True
        )
        yield {"url": response.url, "title": document.title, "text": document.text}

process = CrawlerProcess({
    "CONCURRENT_REQUESTS": 16, "CONCURRENT_REQUESTS_PER_DOMAIN": 1, "DOWNLOAD_DELAY": 0,
    "ROBOTSTXT_OBEY": True, "LOG_LEVEL": "ERROR", "FEEDS": {sys.argv[2]: {"format": "jsonlines"}},
})
process.crawl(Outlets)
process.start()
"""
SYLLABLES = ("ka", "lo", "mi", "ru", "te", "so", "pan", "nel", "rit", "dos", "vam", "gur", "fe")
NAMES = ["".join(parts).capitalize() for parts in itertools.product(SYLLABLES, repeat=4)]
LITTLE_WORDS = ("the", "of", "to", "a", "in", "and", "that", "for", "on", "is", "with", "as", "it")
NAVIGATION = "".join(
    f'<li class="menu-item"><a href="/section/{number}">Section number {number}</a></li>'
    for number in range(60)
)
SCRIPTS = "<script>" + "window.layer = window.layer || []; layer.push({a: 1});" * 120 + "</script>"


@cache
def words_of_news() -> list[str]:
    """Words, each as often as so many articles of real news have it, a third of them little ones.

    Were they all as likely, the texts would share more of them than news does, and nearly every
    page would be taken for a report of another one's event.
    """
    listed = [
        word
        for word, rarity in sorted(rarities()[0].items())
        if word.isalpha()
        for _ in range(round(4_000 * math.exp(-rarity)))
    ]
    return [*listed, *LITTLE_WORDS * (len(listed) // (2 * len(LITTLE_WORDS)))]


def page(outlet: int, number: int) -> str:
    """An article of some 4,000 characters in the usual clutter, the same at every request."""
    chosen = random.Random(outlet * 10_007 + number)
    about = event(outlet, number)

    def sentence() -> str:
        return (
            f"The {' '.join(chosen.choices(words_of_news(), k=15) + chosen.choices(about, k=3))}."
        )

    paragraphs = "".join(f"<p>{' '.join(sentence() for _ in range(3))}</p>" for _ in range(12))
    title = headline(outlet, number)
    clock = f"{number % 24:02d}:{chosen.randrange(60):02d}:00Z"
    data = {
        "@type": "NewsArticle",
        "headline": title,
        "datePublished": f"2025-11-{1 + number % 28:02d}T{clock}",
        "author": {"name": "A. Writer"},
    }
    return (
        f"<!DOCTYPE html><html lang='en'><head><title>{title}</title>"
        f"<script type='application/ld+json'>{json.dumps(data)}</script>{SCRIPTS}</head><body>"
        f"<header><nav><ul>{NAVIGATION}</ul></nav></header><main><article><h1>{title}</h1>"
        f"{paragraphs}</article><aside><ul>{NAVIGATION}</ul></aside></main>"
        f"<footer><ul>{NAVIGATION}</ul></footer></body></html>"
    )


def headline(outlet: int, number: int) -> str:
    chosen = random.Random(f"headline {outlet} {number}")
    words = chosen.choices(event(outlet, number), k=4) + chosen.choices(words_of_news(), k=5)
    return " ".join(words).capitalize()


def event(outlet: int, number: int) -> list[str]:
    """Names, words and figures of an article. Half of the events are told by four outlets each."""
    told_by = outlet // 4 if number % 2 else f"{outlet} alone"
    chosen = random.Random(f"event {told_by} {number}")
    figures = [f"{chosen.uniform(1, 900):.1f}" for _ in range(2)]
    return chosen.choices(NAMES, k=4) + chosen.choices(words_of_news(), k=8) + figures


def address(outlet: int) -> str:
    return f"127.1.{outlet // 250}.{outlet % 250 + 1}"


class Outlets(threading.Thread):
    """Serves ``outlets`` with ``articles`` each, at one port of as many loopback addresses."""

    def __init__(self, outlets: int, articles: int) -> None:
        super().__init__(daemon=True)
        self.articles = articles
        self.hosts = [address(number) for number in range(outlets)]
        self.port = 0
        self.ready = threading.Event()

    def run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        first = await asyncio.start_server(self._answer, self.hosts[0], 0, backlog=512)
        self.port = first.sockets[0].getsockname()[1]
        if self.hosts[1:]:
            await asyncio.start_server(self._answer, self.hosts[1:], self.port)
        self.ready.set()
        await first.serve_forever()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        outlet = self.hosts.index(writer.get_extra_info("sockname")[0])
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                body = self._body(outlet, head.split(b" ", 2)[1].decode())
                status = "200 OK" if body else "404 Not Found"
                kind = "text/xml" if body.startswith("<rss") else "text/html; charset=utf-8"
                data = body.encode()
                writer.write(
                    f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}"
                    "\r\n\r\n".encode()
                    + data
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the other side has had enough
        writer.close()

    def _body(self, outlet: int, path: str) -> str:
        if path == "/feed":
            items = "".join(
                f"<item><title>{headline(outlet, number)}</title><link>/{number}</link></item>"
                for number in range(self.articles)
            )
            return f"<rss version='2.0'><channel><title>O</title>{items}</channel></rss>"
        return page(outlet, int(path[1:])) if path[1:].isdecimal() else ""


@dataclass(frozen=True)
class Measured:
    """What a program did: pages, wall-clock and processor seconds, memory in MiB along the way."""

    program: str
    pages: int
    seconds: float
    processor_seconds: float
    memory: tuple[int, ...]

    def told(self) -> str:
        return (
            f"{self.program:<9}{self.pages:>7,} pages {self.seconds:8.1f} s"
            f" {self.pages / self.seconds:7.1f} pages/s"
            f" {1000 * self.processor_seconds / max(self.pages, 1):7.1f} ms of processor a page;"
            f" memory {' '.join(map(str, self.memory))} MiB\n"
        )


def run(program: str, command: list[str], count: object, cwd: Path) -> Measured:
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, env=os.environ | {"PYTHONPATH": str(ROOT)})
    memory: list[int] = []
    while True:
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        memory.append(resident_mib(process.pid))
        time.sleep(0.5)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    if process.returncode:
        raise SystemExit(f"{program} ended with {process.returncode}")
    eighths = [memory[len(memory) * part // 8] for part in range(1, 8)] if memory else []
    return Measured(
        program,
        count(),  # type: ignore[operator]
        seconds,
        usage.ru_utime + usage.ru_stime,
        tuple(eighths),
    )


def resident_mib(process: int) -> int:
    try:
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) // 1024
    except OSError:
        pass  # it has just ended
    return 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sources", type=int, default=500)
    parser.add_argument("--articles", type=int, default=40)
    parser.add_argument("--scrapy-python", default="")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    outlets = Outlets(options.sources, options.articles)
    outlets.start()
    outlets.ready.wait()
    urls = [f"http://{host}:{outlets.port}/feed" for host in outlets.hosts]
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            tell(crawl_with_undertow(Path(folder), urls))
            if options.scrapy_python:
                tell(crawl_with_scrapy(Path(folder), urls, options.scrapy_python))


def tell(measured: Measured) -> None:
    sys.stdout.write(measured.told())
    sys.stdout.flush()


def crawl_with_undertow(work: Path, urls: list[str]) -> Measured:
    (work / "outlets.toml").write_text(
        "\n".join(
            f'[[source]]\nname = "Outlet {number}"\nurl = "{url}"\n'
            for number, url in enumerate(urls)
        )
    )
    command = [sys.executable, "-c", "from service.cli import main; main()", "crawl"]
    command += ["--sources", "outlets.toml", "--db", "sqlite:///crawl.db", "--allow-private"]

    def stored() -> int:
        from corpus.store import Store

        with Store.open(f"sqlite:///{work / 'crawl.db'}") as store:
            return sum(1 for article in store.articles() if article.text)

    return run("undertow", [*command, "--delay", "0"], stored, work)


def crawl_with_scrapy(work: Path, urls: list[str], python: str) -> Measured:
    (work / "spider.py").write_text(SPIDER)
    (work / "urls.json").write_text(json.dumps(urls))

    def written() -> int:
        lines = (work / "out.jsonl").read_text().splitlines()
        return sum(1 for line in lines if json.loads(line)["text"])

    return run("scrapy", [python, "spider.py", "urls.json", "out.jsonl"], written, work)


if __name__ == "__main__":
    main()
