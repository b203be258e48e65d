"""The article on a page: text, title, author, language and time; or the reason why there is none.

Text and metadata come from trafilatura. What a server sends in place of an article (a challenge for
robots, a consent form, a teaser before a paywall, an overview, "not found" with status 200) is
recognised and named, because stored as text it would be tagged as news.
"""

from __future__ import annotations

import codecs
import re
from enum import StrEnum
from typing import Any
from urllib.parse import urljoin, urlsplit

from lxml.html import HtmlElement

from corpus.markup import clean_line
from corpus.page_dates import ARTICLE_TYPES, json_ld_objects, published_on_page, types_of
from corpus.records import Record, UtcDatetime

_SHORTEST_TEXT = 140  # characters; less is a caption, not an article
_NOTICE_LENGTH = 1500  # a page that only gives notice of something is shorter than this
_NOT_FOUND_LENGTH = 400
_CONSENT_LENGTH = 600
_TEASER_LENGTH = 350
_HEADLINE_LINKS = 25
_HEADLINE_LENGTH = 25


class PageProblem(StrEnum):
    """Why a page gives no article."""

    NOT_A_PAGE = "not an HTML page"
    CHALLENGE = "a challenge for robots"
    CONSENT = "a consent form"
    NOT_FOUND = "a not-found notice"
    INDEX = "an overview of other pages"
    TEASER = "a teaser before a paywall"
    NO_TEXT = "no article text"


class Page(Record):
    """What a page says. ``text`` is None where ``problem`` is set.

    ``canonical`` is the address that the page calls its own, if that is one of the same site.
    """

    title: str | None = None
    text: str | None = None
    author: str | None = None
    language: str | None = None
    published_at: UtcDatetime | None = None
    day_only: bool = False
    problem: PageProblem | None = None
    canonical: str | None = None


_CHALLENGE = re.compile(
    r"just a moment\b|attention required|checking (?:if the site connection|your browser)|"
    r"verify(?:ing)? (?:that )?you are (?:a )?human|are you a (?:robot|human)|ddos-guard|"
    r"enable javascript and cookies to continue|pardon our interruption|unusual traffic from|"
    r"access (?:to this page has been )?denied|security check to access|complete the captcha",
    re.IGNORECASE,
)
_CONSENT = re.compile(
    r"before you continue to|we value your privacy|your privacy choices|"
    r"(?:accept|allow|reject) all (?:cookies|and continue)|manage (?:your )?(?:cookie|consent)|"
    r"uses? cookies to|consent to the use of cookies|privacy preference cent(?:er|re)|"
    r"bevor (?:sie|du) (?:weiter|fortf)|alle (?:cookies )?akzeptieren|mit werbung weiterlesen",
    re.IGNORECASE,
)
_NOT_FOUND = re.compile(
    r"^\s*(?:error\s*)?404\b|\b404\b.{0,20}(?:error|not found)|page (?:not found|does not exist)|"
    r"(?:page|article|content) (?:could not be|can(?:'|’)t be|cannot be|was not) found|"
    r"^not found\b|nothing (?:was )?found|seite nicht gefunden|page introuvable|"
    r"página no encontrada|pagina non trovata",
    re.IGNORECASE,
)
_PAYWALL = re.compile(
    r"(?:subscribe|sign in|log in|register|sign up|create (?:a|an) (?:free )?account)\b.{0,60}"
    r"\b(?:to (?:continue|keep|read)|for (?:full|unlimited) access|unlock)|"
    r"(?:to|keep|continue) read(?:ing)?\b.{0,60}\b(?:subscri|sign in|log in|register|unlock)|"
    r"(?:this|the (?:full|rest of (?:this|the))) (?:article|content|story|post) is (?:only )?"
    r"(?:for|available (?:only )?(?:to|for)|reserved for|exclusive to)\b.{0,40}"
    r"\b(?:subscribers|members|customers)|already a (?:subscriber|member)\?|"
    r"unlock (?:this|the full) (?:article|story)",
    re.IGNORECASE | re.DOTALL,
)


def read_page(data: bytes, *, url: str, content_type: str = "") -> Page:
    """Read the page ``data`` that was fetched from ``url``. Never raises for what a page holds."""
    import trafilatura  # noqa: PLC0415 - slow to load; only page workers need it
    from trafilatura.utils import load_html  # noqa: PLC0415 - as above

    media_type = content_type.partition(";")[0].strip().lower()
    if media_type and media_type not in {"text/html", "application/xhtml+xml", "text/plain"}:
        return Page(problem=PageProblem.NOT_A_PAGE)
    tree = load_html(decode_html(data, content_type))
    if tree is None:
        return Page(problem=PageProblem.NO_TEXT)
    json_ld = json_ld_objects(tree)
    published = published_on_page(tree, json_ld)
    language = _language(tree)
    document: Any = trafilatura.bare_extraction(
        tree, url=url, include_comments=False, include_tables=False, with_metadata=False
    )
    title = clean_line(_title(tree)) or None
    text = _paragraphs((document.text if document is not None else "") or "")
    problem = _problem(tree, json_ld, url, title or "", text)
    return Page(
        title=title,
        text=None if problem else text,
        author=_author(tree, json_ld),
        language=language,
        published_at=published.time if published else None,
        day_only=published.day_only if published else False,
        problem=problem,
        canonical=_canonical(tree, url),
    )


def decode_html(data: bytes, content_type: str) -> str:
    """``data`` as text: by byte order mark, the stated charset, the page's own, else by trial.

    Follows the order of the HTML standard's encoding sniffing; labels are read as browsers do, so
    that ISO-8859-1 means Windows-1252.
    """
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace")
    stated = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", content_type, re.IGNORECASE)
    own = re.search(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w.:-]+)", data[:4096], re.IGNORECASE)
    labels = [stated.group(1)] if stated else []
    labels += [own.group(1).decode("ascii", "replace")] if own else []
    for label in [*labels, "utf-8"]:
        try:
            name = codecs.lookup(label).name
        except LookupError:
            continue
        if name in {"iso8859-1", "ascii"}:
            name = "cp1252"
        try:
            return data.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
    # Damaged text: the first usable label with its bad bytes replaced.
    utf8 = data.decode("utf-8", "replace")
    return utf8 if utf8.count("�") < len(utf8) / 200 else data.decode("cp1252", "replace")


def _paragraphs(text: str) -> str:
    return "\n\n".join(line.strip() for line in text.splitlines() if line.strip())


def _problem(
    tree: HtmlElement, json_ld: list[dict[str, Any]], url: str, title: str, text: str
) -> PageProblem | None:
    brief = len(text) < _NOTICE_LENGTH
    if brief:
        # Notices name themselves in the window title, the headline or their few words.
        window = tree.find(".//title")
        titles = f"{title}\n{clean_line(window.text_content()) if window is not None else ''}"
        words = f"{titles}\n{text if len(text) >= _SHORTEST_TEXT else _visible(tree)}"
        if _CHALLENGE.search(titles) or (len(words) < _NOTICE_LENGTH and _CHALLENGE.search(words)):
            return PageProblem.CHALLENGE
        if any(map(_NOT_FOUND.search, titles.splitlines())) or (
            len(text) < _NOT_FOUND_LENGTH and _NOT_FOUND.search(text)
        ):
            return PageProblem.NOT_FOUND
        if len(text) < _CONSENT_LENGTH and _CONSENT.search(words):
            return PageProblem.CONSENT
    if _is_index(tree, json_ld, url, text):
        return PageProblem.INDEX
    if brief and _is_teaser(tree, json_ld, text):
        return PageProblem.TEASER
    return PageProblem.NO_TEXT if len(text) < _SHORTEST_TEXT else None


def _is_teaser(tree: HtmlElement, json_ld: list[dict[str, Any]], text: str) -> bool:
    # Neither sign is enough for a whole brief report: registration walls state every page as paid,
    # and many sites ask for a subscription under free ones.
    paid = _stated_as_paid(json_ld)
    asked = _PAYWALL.search(_visible(tree)) is not None
    breaks_off = text.rstrip().endswith(("…", "...")) or _PAYWALL.search(text[-300:]) is not None
    return (paid and (asked or len(text) < _TEASER_LENGTH)) or (
        asked and (breaks_off or len(text) < _TEASER_LENGTH)
    )


def _visible(tree: HtmlElement) -> str:
    body = tree.find(".//body")
    if body is None:
        return ""
    pieces: list[str] = []
    for element in body.iter():
        if element.tag not in {"script", "style", "noscript", "template"}:
            pieces.append(element.text or "")
        pieces.append(element.tail or "")
    return " ".join(" ".join(pieces).split())


def _stated_as_paid(json_ld: list[dict[str, Any]]) -> bool:
    return any(
        types_of(node) & ARTICLE_TYPES
        and str(node.get("isAccessibleForFree", "")).strip().lower() == "false"
        for node in json_ld
    )


def _is_index(tree: HtmlElement, json_ld: list[dict[str, Any]], url: str, text: str) -> bool:
    if urlsplit(url).path in {"", "/"} and not urlsplit(url).query:
        return True
    og_type = tree.find(".//meta[@property='og:type']")
    if og_type is not None and (og_type.get("content") or "").strip().lower() == "article":
        return False
    if any(types_of(node) & ARTICLE_TYPES for node in json_ld):
        return False
    headlines = sum(
        1
        for link in tree.iterfind(".//a[@href]")
        if len(" ".join(link.text_content().split())) >= _HEADLINE_LENGTH
    )
    in_prose = sum(len(line) for line in text.splitlines() if len(line) >= 120)
    return headlines >= _HEADLINE_LINKS and in_prose < 0.4 * len(text)


def _title(tree: HtmlElement) -> str:
    for path in (".//meta[@property='og:title']", ".//meta[@name='twitter:title']"):
        element = tree.find(path)
        if element is not None and (content := element.get("content")):
            return str(content)
    for path in (".//h1", ".//title"):
        element = tree.find(path)
        if element is not None and (content := element.text_content().strip()):
            return str(content)
    return ""


def _canonical(tree: HtmlElement, url: str) -> str | None:
    # A copy may name the original on another site; here it is an article of its own.
    for link in tree.iterfind(".//link[@rel][@href]"):
        if "canonical" not in link.get("rel").lower().split():
            continue
        try:
            stated = urljoin(url, str(link.get("href")).strip())
            own, other = urlsplit(url), urlsplit(stated)
            here, there = (own.hostname or "").lower(), (other.hostname or "").lower()
        except ValueError:
            return None
        same_site = (
            here == there
            or here.removeprefix("www.").endswith("." + there.removeprefix("www."))
            or there.removeprefix("www.").endswith("." + here.removeprefix("www."))
            or here.removeprefix("www.") == there.removeprefix("www.")
        )
        if other.scheme in {"http", "https"} and same_site and other.path not in {"", "/"}:
            return stated
        return None
    return None


def _author(tree: HtmlElement, json_ld: list[dict[str, Any]]) -> str | None:
    for node in json_ld:
        if not types_of(node) & ARTICLE_TYPES:
            continue
        stated = node.get("author")
        authors = stated if isinstance(stated, list) else [stated]
        names = [
            clean_line(str(author.get("name") or "") if isinstance(author, dict) else str(author))
            for author in authors
            if author
        ]
        if any(names):
            return ", ".join(name for name in names if name)
    element = tree.find(".//meta[@name='author']")
    content = clean_line(str(element.get("content") or "")) if element is not None else ""
    return content or None


def _language(tree: HtmlElement) -> str | None:
    stated = str(tree.get("lang") or "").strip().lower()
    return stated[:2] if re.fullmatch(r"[a-z]{2}(?:[-_].*)?", stated) else None
