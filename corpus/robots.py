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


_GROUP_LINE = re.compile(
    r"^([ \t]*user-?agent[ \t]*:[ \t]*)([a-z_-]+)[^#\r\n]*", re.IGNORECASE | re.MULTILINE
)


class _Rules:
    """The rules of one site; ``failure`` says why nothing may be fetched there."""

    def __init__(
        self,
        until: float,
        *,
        rules: Protego | None = None,
        agent: str = "",
        failure: FetchError | None = None,
    ) -> None:
        self.until = until
        self.rules = rules
        self.agent = agent
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
        if not rules.rules.can_fetch(url, rules.agent):
            raise FetchError(
                f"{shown_url(site)}/robots.txt forbids {shown_url(url)}",
                remedy="ask the outlet, or remove it from the list",
            )
        return min(rules.rules.crawl_delay(rules.agent) or 0.0, _LONGEST_DELAY_SECONDS)

    async def _rules(self, site: str) -> _Rules:
        now = asyncio.get_running_loop().time()
        task = self._sites.get(site)
        if task is None or (task.done() and (task.cancelled() or task.result().until < now)):
            # One request serves everybody who waits; shielded, so that one who gives up
            # does not take it from the others.
            task = asyncio.create_task(self._ask(site))
            self._sites[site] = task
        return await asyncio.shield(task)

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
        text = answer.content.decode("utf-8-sig", errors="replace")
        rules, agent = _parse(text)
        return _Rules(clock() + _KEPT_SECONDS, rules=rules, agent=agent)

    async def close(self) -> None:
        """Stop requests that are still under way."""
        for task in self._sites.values():
            task.cancel()
        await asyncio.gather(*self._sites.values(), return_exceptions=True)


def _parse(text: str) -> tuple[Protego, str]:
    """The rules of a file, and the name by which to ask them.

    RFC 9309 matches whole product tokens without regard to case, and what follows the token does
    not count. Protego also takes a group for ``under`` as meant for ``undertow``; so the name is
    given to it only when a group bears it, and the groups for everybody are asked otherwise.
    """
    tokens = {match.group(2).lower() for match in _GROUP_LINE.finditer(text)}
    return Protego.parse(_GROUP_LINE.sub(r"\1\2", text)), PRODUCT if PRODUCT in tokens else ""
