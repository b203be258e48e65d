"""Plain text out of the small pieces of HTML that feeds carry."""

from __future__ import annotations

import html
import re
import unicodedata

from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring

_BLOCKS = re.compile(
    r"address|article|aside|blockquote|br|dd|div|dl|dt|footer|h[1-6]|header|hr|li|main|ol|p|pre|"
    r"section|table|td|th|tr|ul"
)
_SKIPPED = re.compile(
    r"script|style|figure|figcaption|iframe|noscript|form|button|svg|video|audio|object|embed|"
    r"template|select|textarea"
)
_BLANK_LINES = re.compile(r"\s*\n\s*")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_MARKUP = re.compile(r"<[a-zA-Z/!]|&[#\w]+;")


def clean_line(value: str) -> str:
    """``value`` on one line: entities resolved, tags and control characters removed, spaces folded.

    Titles are often escaped twice on their way into a feed, so entities are resolved twice.
    """
    if _MARKUP.search(value):
        value = html.unescape(html.unescape(value))
        value = re.sub(r"<[a-zA-Z/!][^<>]*>", "", value)
    return " ".join(clean_characters(value).split())


def clean_characters(value: str) -> str:
    """``value`` without control characters and halves of surrogate pairs, in composed form."""
    return unicodedata.normalize("NFC", _UNPRINTABLE.sub("", value))


def plain_text(markup: str) -> str:
    """The paragraphs of ``markup``, parted by a blank line, without scripts, forms and captions."""
    if not _MARKUP.search(markup):
        return _paragraphs(markup)
    parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    data = f"<html><body>{markup}</body></html>".encode("utf-8", "replace")
    try:
        root = document_fromstring(data, parser=parser)
    except (etree.LxmlError, ValueError):  # nothing in it is an element
        return _paragraphs(html.unescape(markup))
    return _paragraphs("".join(_pieces(root)))


def _pieces(root: HtmlElement) -> list[str]:
    pieces: list[str] = []
    skipping: HtmlElement | None = None
    for event, element in etree.iterwalk(root, events=("start", "end")):
        name = element.tag if isinstance(element.tag, str) else ""
        if event == "start":
            if skipping is None and _SKIPPED.fullmatch(name):
                skipping = element
            if skipping is None:
                if _BLOCKS.fullmatch(name):
                    pieces.append("\n")
                # Line breaks inside a paragraph are the author's editor, not paragraphs.
                pieces.append(" ".join((element.text or "").split("\n")))
        else:
            if skipping is element:
                skipping = None
            elif skipping is None and _BLOCKS.fullmatch(name):
                pieces.append("\n")
            if skipping is None:
                pieces.append(" ".join((element.tail or "").split("\n")))
    return pieces


def _paragraphs(text: str) -> str:
    lines = (" ".join(line.split()) for line in _BLANK_LINES.split(clean_characters(text)))
    return "\n\n".join(line for line in lines if line)
