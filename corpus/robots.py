"""What a site's robots.txt allows, by RFC 9309.

No file (4xx) allows everything; a server that fails (5xx) or cannot be reached forbids everything
until it answers; of a giant file the first 500 KiB count; rules are kept for a day at most.
"""

from __future__ import annotations

import asyncio
import re

from protego import Protego

from corpus.addresses import shown_url
from corpus.errors import FetchError, ForbiddenAddressError, TemporaryFetchError
from corpus.fetch import PRODUCT, Fetcher
from corpus.politeness import authority

_KEPT_SECONDS = 24 * 3600.0
_FAILURE_KEPT_SECONDS = 600.0
_MAX_BYTES = 500 * 1024
_LONGEST_DELAY_SECONDS = 60.0
_MOST_SITES = 2_000  # whose rules are remembered


# A missing colon is an oversight whose meaning is clear. Lines of any other kind mean nothing here.
_LINE = re.compile(
    r"[ \t]*(user-?agent|allow|disallow|crawl-delay)[ \t]*(?::|[ \t])[ \t]*([^#]*)", re.IGNORECASE
)
_TOKEN = re.compile(r"\*(?=\s|$)|[a-z_-]+", re.IGNORECASE)


class RobotsFile:
    """The rules that one robots.txt has for this crawler.

    RFC 9309 matches whole product tokens without regard to case, and what follows the token does
    not count. Protego takes a group for ``under`` as meant for ``undertow``, and a line that it
    does not know as the end of a group; so it is given known lines with bare tokens, and the name
    only when a group bears it.
    """

    def __init__(self, content: bytes) -> None:
        lines: list[str] = []
        tokens: set[str] = set()
        for line in re.split(r"\r\n?|\n", content.decode("utf-8-sig", errors="replace")):
            match = _LINE.match(line)
            if match is None:
                continue
            kind, value = match.group(1).lower(), match.group(2).strip()
            if kind in {"user-agent", "useragent"}:
                kind = "user-agent"
                token = _TOKEN.match(value)
                value = token.group().lower() if token else value
                tokens.add(value)
            lines.append(f"{kind}: {value}")
        self._rules = Protego.parse("\n".join(lines))
        self._agent = PRODUCT if PRODUCT in tokens else ""

    def allows(self, url: str) -> bool:
        """Whether ``url`` may be fetched."""
        return bool(self._rules.can_fetch(url, self._agent))

    def wanted_pause(self) -> float:
        """The pause between requests that is asked for (``Crawl-delay``), in seconds."""
        return float(self._rules.crawl_delay(self._agent) or 0.0)


class _Rules:
    """The rules of one site; ``failure`` says why nothing may be fetched there."""

    def __init__(
        self,
        until: float,
        *,
        rules: RobotsFile | None = None,
        failure: FetchError | None = None,
    ) -> None:
        self.until = until
        self.rules = rules
        self.failure = failure


class Robots:
    """Asks for and keeps the robots.txt of every site that a crawl visits."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._sites: dict[str, asyncio.Task[_Rules]] = {}

    async def permission(self, url: str) -> float:
        """The pause in seconds that the site of ``url`` wants between requests.

        Raises FetchError when the site does not want ``url`` fetched, TemporaryFetchError when
        its rules cannot be had.
        """
        site = authority(url)
        rules = await self._rules(site)
        if rules.failure is not None:
            raise rules.failure
        if rules.rules is None:
            return 0.0
        if not rules.rules.allows(url):
            raise FetchError(
                f"{shown_url(site)}/robots.txt forbids {shown_url(url)}",
                remedy="ask the outlet, or remove it from the list",
            )
        return min(rules.rules.wanted_pause(), _LONGEST_DELAY_SECONDS)

    async def _rules(self, site: str) -> _Rules:
        now = asyncio.get_running_loop().time()
        task = self._sites.get(site)
        if task is None or (task.done() and (task.cancelled() or task.result().until < now)):
            # One request serves everybody who waits; shielded, so that one who gives up
            # does not take it from the others.
            if len(self._sites) >= _MOST_SITES:
                self._forget(now)
            task = asyncio.create_task(self._ask(site))
            self._sites[site] = task
        return await asyncio.shield(task)

    def _forget(self, now: float) -> None:
        """Forget rules that ran out, and of the others the oldest half."""
        for site, task in list(self._sites.items()):
            ended = task.done() and (task.cancelled() or task.result().until < now)
            if ended or (task.done() and len(self._sites) > _MOST_SITES // 2):
                del self._sites[site]

    async def _ask(self, site: str) -> _Rules:
        clock = asyncio.get_running_loop().time
        try:
            answer = await self._fetcher.get(site + "/robots.txt", max_bytes=_MAX_BYTES)
        except ForbiddenAddressError as error:
            return _Rules(clock() + _KEPT_SECONDS, failure=error)
        except TemporaryFetchError as error:
            if error.status is not None and error.status < 500:
                return _Rules(clock() + _KEPT_SECONDS)
            if error.status is None:  # the host itself cannot be reached, and says so best
                return _Rules(clock() + _FAILURE_KEPT_SECONDS, failure=error)
            failure = TemporaryFetchError(
                f"its robots.txt cannot be read, so nothing is fetched there: {error.message}",
                remedy="it is tried again later",
                status=error.status,
                retry_after=error.retry_after,
            )
            return _Rules(clock() + _FAILURE_KEPT_SECONDS, failure=failure)
        except FetchError:
            return _Rules(clock() + _KEPT_SECONDS)
        return _Rules(clock() + _KEPT_SECONDS, rules=RobotsFile(answer.content))

    async def close(self) -> None:
        """Stop requests that are still under way."""
        for task in self._sites.values():
            task.cancel()
        await asyncio.gather(*self._sites.values(), return_exceptions=True)
