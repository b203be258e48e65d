"""Which addresses a crawler may reach, and a network backend that reaches no other.

A crawler that follows any link is a way into the network it runs in. So the address is checked
where it is used: a name is resolved once, every address it resolves to is checked, and the
connection is made to a checked address and not to the name, so that a second, different answer of
the name server (DNS rebinding) cannot slip in between. Redirects open connections through the same
backend. Odd notations (``0x7f.1``, ``2130706433``, full-width digits) need no parser of their own,
because what they resolve to is what is checked.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

import httpcore

from corpus.errors import ForbiddenAddressError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Lookup = Callable[[str, int], Awaitable[list[str]]]

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_IPV4_COMPATIBLE = ipaddress.ip_network("::/96")
# Ranges that the standard library's is_global has counted differently from release to release.
_NEVER_PUBLIC = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "240.0.0.0/4",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "fec0::/10",
    )
)
_SHOWN_LENGTH = 200


def is_public(address: Address) -> bool:
    """Whether ``address`` is a unicast address of the public internet.

    IPv6 forms that carry an IPv4 address (mapped, compatible, 6to4, Teredo, NAT64) are as public as
    the address that they carry. Ranges: IANA special-purpose address registries.
    """
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return False
        carried = _carried_ipv4(address)
        if carried:
            return all(is_public(inner) for inner in carried)
    if any(address in network for network in _NEVER_PUBLIC if network.version == address.version):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _carried_ipv4(address: ipaddress.IPv6Address) -> tuple[ipaddress.IPv4Address, ...]:
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    if address in _NAT64 or address in _IPV4_COMPATIBLE:
        return (ipaddress.IPv4Address(int(address) & 0xFFFFFFFF),)
    return ()


def shown_url(url: str) -> str:
    """``url`` as a message or log line may show it.

    User names, passwords, query values and fragments are left out, since they may be secrets;
    control characters are escaped, and a long address is cut.
    """
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        plain = f"{parts.scheme}://{host}{parts.path}" + ("?…" if parts.query else "")
    except ValueError:
        plain = "an address that cannot be read"
    escaped = "".join(
        character if character.isprintable() else f"\\x{ord(character):02x}" for character in plain
    )
    return escaped if len(escaped) <= _SHOWN_LENGTH else escaped[: _SHOWN_LENGTH - 1] + "…"


async def system_lookup(host: str, port: int) -> list[str]:
    """Every address of ``host`` by the resolver of the operating system."""
    answers = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections to checked addresses only.

    ``allow_private`` lets loopback addresses through, for tests and the bundled sample; private and
    link-local networks stay closed. ``lookup`` turns a name into addresses.
    """

    def __init__(self, *, allow_private: bool = False, lookup: Lookup = system_lookup) -> None:
        self._inner = httpcore.AnyIOBackend()
        self._allow_private = allow_private
        self._lookup = lookup

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of ``host`` that answers.

        Raises ForbiddenAddressError when any address of it is forbidden, httpcore.ConnectError
        when it has none or none answers.
        """
        try:
            addresses = await asyncio.wait_for(self._lookup(host, port), timeout)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"no answer to the look-up of {host}") from error
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"the name {host} does not resolve") from error
        if not addresses:
            raise httpcore.ConnectError(f"the name {host} does not resolve")
        for address in addresses:
            self._check(host, address)
        failure: Exception | None = None
        for address in addresses:
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError(f"no address of {host} answers")

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        """Always refused: news is not read from local sockets."""
        raise ForbiddenAddressError(f"the local socket {path} is not an address to crawl")

    async def sleep(self, seconds: float) -> None:
        """Wait, for httpcore's own retries."""
        await asyncio.sleep(seconds)

    def _check(self, host: str, address: str) -> None:
        parsed = ipaddress.ip_address(address)
        if is_public(parsed):
            return
        mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
        if self._allow_private and (mapped or parsed).is_loopback:
            return
        shown = address if address == host else f"{host}, which resolves to {address},"
        raise ForbiddenAddressError(
            f"{shown} is not a public address",
            remedy="only public addresses are crawled; loopback can be allowed for tests",
        )
