"""Entries of lists completed into articles: from the list, or from the page where it lacks text.

Which article an entry is, by the first rule that answers:

1. Its canonical address, or another address that is known to lead to an article.
2. Its identifier in the feed, where an article of the same headline is known by it: the outlet has
   changed the address. Another headline means that the outlet uses the identifier anew.
3. Where its page is fetched: the address that the page calls its own, and the one that it was moved
   to for good, unless an article of another headline and text is known under that.

An article keeps the address under which it came first; others become names of it.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from corpus.errors import FetchError, InputError, TemporaryFetchError
from corpus.feeds import Entry
from corpus.fetch import ACCEPT_PAGE, Fetcher
from corpus.identity import article_id, canonical_url, feed_identifier, same_headline
from corpus.pages import Page
from corpus.records import Article, Record
from corpus.robots import Robots
from corpus.workers import Workers

if TYPE_CHECKING:
    from corpus.store import Store

_log = logging.getLogger(__name__)

_OWED_FOR = timedelta(days=3)  # how long a page that failed for now is asked for again


class Completed(Record):
    """What to store of an entry, if anything.

    ``identity`` is the id of its article; ``names`` are those that are to lead to it. ``claim``
    keeps others from fetching its page until :meth:`Completer.release`. ``whole`` is false when
    its page could not be had for now, so that a later crawl should try.
    """

    article: Entry | None
    claim: str | None = None
    identity: str | None = None
    names: frozenset[str] = frozenset()
    whole: bool = True


@dataclass(frozen=True, eq=False)
class Listed:
    """What the store knew of a list's entries when it was read.

    ``names`` leads to their articles. By the names ``strange`` none was known; those that visits
    of this crawl have stored since are taken out.
    """

    names: Mapping[str, str]
    strange: set[str]


class Tally(Counter[str]):
    """What a visit met: ``pages`` fetched, entries ``unchanged`` and ``entry_problems``.

    ``page_problems`` counts, by reason, the pages without an article.
    """

    def __init__(self) -> None:
        super().__init__()
        self.page_problems: Counter[str] = Counter()


class Completer:
    """Completes the entries of all sources of a crawl; two never fetch the same page at a time."""

    def __init__(self, store: Store, *, fetcher: Fetcher, robots: Robots, workers: Workers) -> None:
        self._store = store
        self._fetcher = fetcher
        self._robots = robots
        self._workers = workers
        self._on_the_way: set[str] = set()
        self._unstored: dict[str, Entry] = {}  # completed from pages, by the article's id
        self._lists: list[Listed] = []  # under way

    @contextmanager
    def listed(self, entries: Iterable[Entry]) -> Iterator[Listed]:
        """What the store knows of ``entries``, kept true while they are completed.

        Asked once for all of them: the store takes long to answer for a single one.
        """
        names = {name for entry in entries for name in _names(entry).values()}
        found = self._store.named_articles(names)
        strange = names.difference(found, self._store.stored_among(names))
        mine = Listed(names=found, strange=strange)
        self._lists.append(mine)
        try:
            yield mine
        finally:
            self._lists.remove(mine)

    async def complete(
        self, entry: Entry, *, owed: bool, listed: Listed, tally: Tally
    ) -> Completed:
        """The article of ``entry``, with its page fetched if that is needed and worth while.

        ``owed`` tells that the last crawl of the source left pages that failed for the time being;
        those that failed for good are not asked for again. ``listed`` is what :meth:`listed` gave.
        """
        own = _names(entry)
        if "address" not in own:
            _log.warning("%s: an entry has no usable address", entry.source)
            tally["entry_problems"] += 1
            return Completed(article=None)
        known = self._known(entry, own, listed)
        if entry.text is not None:
            return _settled(entry, own.values(), known, listed.names)
        identity = known.id if known else own["address"]
        if identity in self._on_the_way or (known and not self._worth_asking(known, entry, owed)):
            # Another feed lists it and its page is on the way, or the store has what there is.
            tally["unchanged"] += 1
            kept = (
                _settled(entry, own.values(), known, listed.names)
                if known
                else Completed(article=None)
            )
            return kept.model_copy(update={"article": None})
        self._on_the_way.add(identity)
        try:
            completed = await self._from_page(entry, own, known, listed, tally)
        except BaseException:
            self._on_the_way.discard(identity)
            raise
        return completed.model_copy(update={"claim": identity})

    def release(self, stored: Iterable[Completed]) -> None:
        """Let the pages be fetched by others, now that the store has what they gave."""
        for one in stored:
            for listed in self._lists:
                listed.strange.difference_update(one.names, [one.identity or ""])
            if one.claim is not None:
                self._on_the_way.discard(one.claim)
                self._unstored.pop(one.identity or "", None)

    def _known(self, entry: Entry, own: Mapping[str, str], listed: Listed) -> Article | None:
        address, names = own["address"], listed.names
        known = None if address in listed.strange else self._store.article(address)
        if known is None and address in names:
            known = self._store.article(names[address])
        guid = own.get("guid", address)
        if known is None and guid != address and guid not in listed.strange:
            same = self._store.article(names.get(guid, guid))
            if same is not None and same_headline(same.title, entry.title):
                known = same
        return known

    async def _from_page(
        self,
        entry: Entry,
        own: Mapping[str, str],
        known: Article | None,
        listed: Listed,
        tally: Tally,
    ) -> Completed:
        # A text that the store holds is worth more than a new title without one.
        without_text = entry if known is None or known.text is None else None
        try:
            answer = await self._fetcher.get(
                entry.url, accept=ACCEPT_PAGE, permission=self._robots.permission
            )
            tally["pages"] += 1
            page = await self._workers.read_page(
                answer.content, url=answer.url, content_type=answer.content_type
            )
        except FetchError as error:
            _log.info("%s: %s", entry.source, error.message)
            tally.page_problems["could not be fetched"] += 1
            later = isinstance(error, TemporaryFetchError)
            if without_text is None or not entry.title:
                return Completed(article=None, whole=not later)
            settled = _settled(entry, own.values(), known, listed.names)
            return settled.model_copy(update={"whole": not later})
        if page.problem is not None:
            tally.page_problems[page.problem.value] += 1
            if without_text is None or not entry.title:
                return Completed(article=None)
            return _settled(_merged(entry, page), own.values(), known, listed.names)
        merged = _merged(entry, page)
        if not merged.title:
            tally["entry_problems"] += 1
            return Completed(article=None)
        others = [address for address in (answer.moved_to, page.canonical) if address]
        if known is None:
            known, merged = self._at_its_own_address(merged, page, answer.moved_to, listed)
        return _settled(merged, [*own.values(), *_ids(others)], known, listed.names)

    def _at_its_own_address(
        self, entry: Entry, page: Page, moved_to: str | None, listed: Listed
    ) -> tuple[Article | None, Entry]:
        """The known article of a page, if there is one, and the entry at the address it has."""
        for address in (page.canonical, moved_to):
            for identity in _ids([address] if address else []):
                known = None
                if identity not in listed.strange:
                    known = self._store.article(identity) or self._named(identity)
                there = known or self._unstored.get(identity)
                titles = (entry.title, page.title or "")
                if (
                    there is None
                    or there.text == page.text
                    or any(same_headline(there.title, title) for title in titles)
                ):
                    there_now = entry.model_copy(update={"url": address})
                    self._unstored.setdefault(identity, there_now)
                    return known, there_now
        return None, entry

    def _named(self, name: str) -> Article | None:
        identity = self._store.named_articles([name]).get(name)
        return self._store.article(identity) if identity else None

    def _worth_asking(self, known: Article, entry: Entry, owed: bool) -> bool:
        recent = datetime.now(UTC) - known.first_seen_at < _OWED_FOR
        if known.text is None and owed and recent:
            return True
        # A new headline announces a new text; one of two that outlets use side by side does not.
        return entry.title not in {"", known.title} and not any(
            entry.title == revision.title for revision in self._store.revisions(known.id)
        )


def _names(entry: Entry) -> dict[str, str]:
    """The names of an entry's article: by its ``address``, and by its ``guid`` in the feed."""
    names: dict[str, str] = {}
    for identity in _ids([entry.url]):
        names["address"] = identity
    if entry.guid:
        names["guid"] = feed_identifier(entry.source, entry.guid)
    return names


def _ids(addresses: Iterable[str]) -> list[str]:
    found: list[str] = []
    for address in addresses:
        try:
            found.append(article_id(canonical_url(address)))
        except InputError:
            continue  # no address: nothing can be known by it
    return found


def _settled(
    entry: Entry, own: Iterable[str], known: Article | None, names: Mapping[str, str]
) -> Completed:
    if known is not None:
        entry = entry.model_copy(update={"url": known.url})
    identity = known.id if known else article_id(canonical_url(entry.url))
    new = frozenset(name for name in own if name != identity and names.get(name) != identity)
    return Completed(article=entry, identity=identity, names=new)


def _merged(entry: Entry, page: Page) -> Entry:
    """The entry with what its page adds; what the feed states comes first."""
    changes: dict[str, object] = {
        "title": entry.title or page.title or "",
        "text": page.text,
        "author": entry.author or page.author,
        "language": entry.language or page.language,
    }
    stated = entry.published_at
    if page.published_at is not None and page.problem is None:
        more_precise = (
            stated is not None
            and entry.day_only
            and not page.day_only
            and abs(page.published_at - stated) <= timedelta(days=2)
        )
        if stated is None or more_precise:
            changes |= {"published_at": page.published_at, "day_only": page.day_only}
    return entry.model_copy(update=changes)
