"""Some 2,000 ways to point a crawler at the inside of a network; none gets a connection there.

What counts is the socket: an audit hook of the interpreter sees every connection that is begun.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import sys
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest

from corpus.addresses import CheckedBackend, is_public
from corpus.errors import FetchError
from corpus.fetch import Fetcher
from corpus.politeness import CrawlSettings
from corpus.transport import CheckedTransport

INSIDE = (
    "127.0.0.1",
    "127.0.1.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.0.0.1",
    "10.200.30.4",
    "100.64.1.1",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.254",
    "192.0.0.8",
    "192.0.2.7",
    "192.168.0.1",
    "192.168.178.20",
    "198.18.0.1",
    "198.51.100.9",
    "203.0.113.9",
    "224.0.0.251",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
)
INSIDE_V6 = (
    "::1",
    "::",
    "fe80::1",
    "fe80::1%25lo",
    "fc00::1",
    "fd00:ec2::254",
    "fec0::1",
    "ff02::1",
)
WIDE = str.maketrans("0123456789.", "０１２３４５６７８９．")
CIRCLED = str.maketrans("0123456789", "⓪①②③④⑤⑥⑦⑧⑨")
BOLD = str.maketrans("0123456789", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗")

_seen: list[str] = []
_watching: list[bool] = []  # a hook of the interpreter stays for good, so it is switched


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if _watching and event == "socket.connect":
        address = arguments[1]
        if isinstance(address, tuple):
            _seen.append(str(address[0]))


sys.addaudithook(_hook)


@pytest.fixture
def connected() -> Iterator[list[str]]:
    """The addresses to which sockets were connected, or tried to, during the test."""
    _seen.clear()
    _watching.append(True)
    yield _seen
    _watching.clear()


def hosts(address: str) -> Iterator[str]:
    """The host part in many notations that some program or other reads as ``address``."""
    number = int(ipaddress.IPv4Address(address))
    parts = [number >> shift & 255 for shift in (24, 16, 8, 0)]
    a, b, c, d = parts
    yield from (address, address + ".", address.translate(WIDE), address.translate(CIRCLED))
    yield from (address.translate(BOLD), address.replace(".", "。"), address.replace(".", "｡"))
    yield from (
        str(number),
        f"0x{number:x}",
        f"0X{number:08X}",
        f"0{number:o}",
        f"{number + (1 << 32)}",
    )
    yield from (f"{a}.{number & 0xFFFFFF}", f"{a}.{b}.{c << 8 | d}")
    yield ".".join(f"0{part:o}" for part in parts)
    yield ".".join(f"{part:04o}" for part in parts)
    yield ".".join(f"0x{part:x}" for part in parts)
    yield ".".join(f"0x{part:08x}" for part in parts)
    yield f"0x{a:x}.{b}.0{c:o}.{d}"
    yield f"0x{a:x}.{number & 0xFFFFFF}"
    yield quote(address, safe="").replace(".", "%2e")
    yield "".join(f"%{ord(character):02x}" for character in address)
    high, low = number >> 16, number & 0xFFFF
    yield from (f"[::ffff:{address}]", f"[::ffff:{high:x}:{low:x}]", f"[0:0:0:0:0:ffff:{address}]")
    yield from (f"[::{address}]", f"[64:ff9b::{address}]", f"[2002:{high:x}:{low:x}::1]")
    yield f"[2001:0:{high:x}:{low:x}::1]"
    yield f"[2001:0:4136:e378:8000:63bf:{high ^ 0xFFFF:x}:{low ^ 0xFFFF:x}]"


def urls() -> Iterator[str]:
    for address in INSIDE:
        for host in hosts(address):
            yield f"http://{host}/"
        yield from (
            f"http://news.example@{address}/",
            f"http://news.example:80@{address}/",
            f"http://news.example%00@{address}/",
            f"http://{address}:80\\@news.example/",
            f"http://{address}\t/",
            f"http://\n{address}/",
            f"http:/{address}/",
            f"http:\\\\{address}/",
            f"HTTPS://{address}:443/",
            f"http://{address}:0/",
            f"http://{address}#@news.example/",
            f"http://{address}?@news.example/",
            f"ftp://{address}/",
            f"gopher://{address}:70/_x",
            f"file://{address}/etc/hostname",
        )
    for inside in INSIDE_V6:
        yield from (f"http://[{inside}]/", f"http://[{inside}]:8080/", f"https://[{inside}]/")
    yield from ("http://localhost/", "http://LOCALHOST./", "http://localhost:22/")


async def numeric_lookup(host: str, port: int) -> list[str]:
    """What the system reads as an address; names of the internet are not asked for in tests."""
    if host.rstrip(".").lower() == "localhost":
        return ["127.0.0.1", "::1"]
    found = await asyncio.get_running_loop().getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
    )
    return [str(item[4][0]) for item in found]


class Redirecting(httpx.AsyncBaseTransport):
    """A public site that sends visitors on to its ``to``; other hosts are really connected to."""

    def __init__(self, inner: CheckedTransport) -> None:
        self._inner = inner
        self.to = ""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "moving.example":
            location = self.to.encode("utf-8", "surrogateescape")
            return httpx.Response(
                302, headers=[(b"location", location)], stream=httpx.ByteStream(b"")
            )
        return await self._inner.handle_async_request(request)


QUICK = CrawlSettings(attempts=1, delay_seconds=0, total_seconds=5.0, connect_seconds=2.0)


def test_no_notation_reaches_an_inside_address_directly_or_by_redirect(connected):
    table = list(dict.fromkeys(urls()))
    reached: list[str] = []

    async def run() -> None:
        transport = Redirecting(
            CheckedTransport(CheckedBackend(lookup=numeric_lookup), max_connections=4)
        )
        async with Fetcher(QUICK, transport=transport) as fetcher:
            for url in table:
                for by_redirect in (False, True):
                    transport.to = url
                    asked = "http://moving.example/start" if by_redirect else url
                    try:
                        answer = await fetcher.get(asked)
                    except FetchError:
                        continue
                    reached.append(answer.url)

    asyncio.run(run())
    assert 2 * len(table) >= 1_400
    assert reached == []
    assert connected == []


def test_rebinding_names_reach_no_inside_address(server, connected):
    """However a name server mixes and changes its answers, only checked ones are connected to."""
    port = int(server.url.rpartition(":")[2])
    server.serve("/", "hello")
    series = [
        [["127.0.0.1"], [inside]]
        for inside in (*INSIDE[3:], *(one for one in INSIDE_V6 if "%" not in one))
    ]
    series += [[["127.0.0.1", inside]] for inside in INSIDE[3:]]
    series += [[["93.184.215.14", inside], ["127.0.0.1"]] for inside in INSIDE[3:]]
    refused = 0

    async def run() -> None:
        nonlocal refused
        for number, answers in enumerate(series):
            left = list(answers)

            async def lookup(_: str, __: int, left: list[list[str]] = left) -> list[str]:
                return left.pop(0) if len(left) > 1 else left[0]

            backend = CheckedBackend(allow_private=True, lookup=lookup)
            for _ in range(2):
                # A pool of its own each time: every request has to connect anew.
                transport = CheckedTransport(backend, max_connections=1)
                async with Fetcher(QUICK, transport=transport) as fetcher:
                    try:
                        await fetcher.get(f"http://rebinding-{number}.example:{port}/")
                    except FetchError:
                        refused += 1

    asyncio.run(run())
    assert refused >= len(series)
    # The hook does see connections: those to this test's own server.
    assert connected
    assert all(ipaddress.ip_address(address).is_loopback for address in connected)
    assert not any(address in INSIDE[3:] for address in connected)
    assert not is_public(ipaddress.ip_address(connected[0]))
