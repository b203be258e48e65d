"""No connection is made to an address that is not public."""

from __future__ import annotations

import asyncio
import ipaddress

import httpcore
import httpx
import pytest

from corpus.addresses import CheckedBackend, is_public, shown_url
from corpus.errors import FetchError, ForbiddenAddressError
from corpus.fetch import Fetcher
from corpus.politeness import CrawlSettings
from corpus.transport import CheckedTransport

PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "2a00:1450:4001::1", "::ffff:8.8.8.8"]
NOT_PUBLIC = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%1",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_reached(address):
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_other_addresses_may_not(address):
    assert not is_public(ipaddress.ip_address(address))


def visit(url: str, **options: object) -> None:
    quick = CrawlSettings(attempts=1, delay_seconds=0, total_seconds=2.0, connect_seconds=1.0)

    async def run() -> None:
        async with Fetcher(quick, **options) as fetcher:  # type: ignore[arg-type]
            await fetcher.get(url)

    asyncio.run(run())


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "0177.0.0.1",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "0",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "user@127.0.0.1",
        "public.example@127.0.0.1",
    ],
)
def test_loopback_in_any_notation_gets_no_connection(server, host):
    port = server.url.rpartition(":")[2]
    with pytest.raises(FetchError):
        visit(f"http://{host}:{port}/")
    assert server.requests == []


def test_redirect_to_an_address_that_is_not_public_is_refused(server):
    server.serve("/away", "", "302 Found", location="http://169.254.169.254/latest/meta-data/")
    with pytest.raises(ForbiddenAddressError, match=r"169\.254\.169\.254 is not a public address"):
        visit(server.url + "/away", allow_private=True)


def test_loopback_that_is_allowed_opens_no_other_private_network():
    for address in ("10.0.0.1", "192.168.1.1", "169.254.169.254", "[fd00::1]"):
        with pytest.raises(ForbiddenAddressError):
            visit(f"http://{address}/", allow_private=True)


def test_name_with_any_address_that_is_not_public_is_refused(server):
    port = int(server.url.rpartition(":")[2])

    async def lookup(_: str, __: int) -> list[str]:
        return ["93.184.215.14", "127.0.0.1"]

    transport = CheckedTransport(CheckedBackend(lookup=lookup), max_connections=1)
    with pytest.raises(ForbiddenAddressError, match=r"which resolves to 127\.0\.0\.1"):
        visit(f"http://two-faced.example:{port}/", transport=transport)
    assert server.requests == []


def test_name_is_looked_up_once_and_the_checked_address_is_used(server):
    """A name server that answers differently the second time (rebinding) is not asked twice."""
    answers = [["127.0.0.1"], ["10.0.0.1"]]
    asked = []

    async def lookup(host: str, _: int) -> list[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    server.serve("/", "hello")
    transport = CheckedTransport(
        CheckedBackend(allow_private=True, lookup=lookup), max_connections=1
    )
    visit(f"http://rebinding.example:{server.url.rpartition(':')[2]}/", transport=transport)
    assert asked == ["rebinding.example"]
    assert server.paths() == ["/"]


def test_rebinding_between_requests_is_caught_at_the_new_connection(server):
    answers = [["127.0.0.1"], ["192.168.0.1"]]

    async def lookup(_: str, __: int) -> list[str]:
        return answers.pop(0)

    backend = CheckedBackend(allow_private=True, lookup=lookup)

    async def run() -> None:
        port = int(server.url.rpartition(":")[2])
        stream = await backend.connect_tcp("rebinding.example", port, 1.0)
        await stream.aclose()
        with pytest.raises(ForbiddenAddressError):
            await backend.connect_tcp("rebinding.example", port, 1.0)

    asyncio.run(run())


def test_name_that_does_not_resolve_is_told(settings):
    async def lookup(_: str, __: int) -> list[str]:
        raise OSError("no such host")

    transport = CheckedTransport(CheckedBackend(lookup=lookup), max_connections=1)
    with pytest.raises(FetchError, match="host name does not resolve"):
        visit("http://nowhere.example/", transport=transport)


def test_collected_odd_notations_reach_nothing(shared):
    """Every form of the collection either is no address, or is refused, or resolves to nothing."""
    tried: list[str] = []

    class Recording(CheckedBackend):
        async def connect_tcp(self, host, port, *args, **kwargs):  # type: ignore[no-untyped-def]
            stream = await super().connect_tcp(host, port, *args, **kwargs)
            tried.append(host)
            return stream

    async def lookup(host: str, port: int) -> list[str]:
        # Names of the public internet are not asked for here: they count as not resolving.
        loop = asyncio.get_running_loop()
        import socket

        flags = socket.AI_NUMERICHOST
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
        return [str(item[4][0]) for item in found]

    forms = (shared / "vectors" / "ssrf_readme_urls.txt").read_text(encoding="utf-8").splitlines()
    assert len(forms) > 40
    for form in forms:
        transport = CheckedTransport(Recording(lookup=lookup), max_connections=1)
        with pytest.raises(FetchError):
            visit(form, transport=transport)
    assert tried == []


def test_local_sockets_are_closed_to_the_crawler():
    with pytest.raises(ForbiddenAddressError):
        asyncio.run(CheckedBackend().connect_unix_socket("/var/run/docker.sock"))


def test_transport_raises_what_httpx_transports_raise(server):
    async def run() -> None:
        transport = CheckedTransport(CheckedBackend(allow_private=True), max_connections=1)
        async with httpx.AsyncClient(transport=transport) as client:
            with pytest.raises(httpx.ConnectError):
                await client.get("http://127.0.0.1:1/")

    asyncio.run(run())
    assert not issubclass(httpx.ConnectError, httpcore.ConnectError)


def test_shown_addresses_hold_no_secrets_and_no_control_characters():
    shown = shown_url("https://user:pass@outlet.example/a\x1b[31m\n?token=1#part")
    assert "pass" not in shown
    assert "token" not in shown
    assert shown.isprintable()
    assert shown.startswith("https://outlet.example/a")
    assert len(shown_url("https://outlet.example/" + "a" * 5000)) <= 200
