"""OPML, the format in which feed readers trade their lists of feeds.

Files come from strangers: they are parsed by defusedxml with document types refused, so that
no entity is expanded and nothing outside the file is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler

from defusedxml import DefusedXmlException
from defusedxml.sax import parseString

from corpus.sources import Source, SourceKind, refused


def dump_opml(sources: Sequence[Source]) -> str:
    """The list as OPML 2.0; ``load_sources`` reads it back unchanged."""
    root = ElementTree.Element("opml", version="2.0")
    ElementTree.SubElement(ElementTree.SubElement(root, "head"), "title").text = "Undertow sources"
    body = ElementTree.SubElement(root, "body")
    for source in sources:
        attributes = {
            "type": "rss",
            "text": source.name,
            "title": source.name,
            "xmlUrl": source.url,
            "kind": source.kind.value,
            "terms": source.terms,
        }
        if source.language:
            attributes["language"] = source.language
        if source.outlet:
            attributes["outlet"] = source.outlet
        ElementTree.SubElement(body, "outline", attributes)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def read_opml(text: str, name: str) -> list[tuple[dict[str, Any], int]]:
    """The fields and line of every outline that names a feed; folders are passed through.

    Raises SourceListError when the text is not well-formed or has a document type.
    """
    handler = _OutlineHandler()
    try:
        parseString(text.encode("utf-8"), handler, forbid_dtd=True)
    except DefusedXmlException as error:
        raise refused(name, ["OPML with a document type or entities is not read"]) from error
    except SAXParseException as error:
        line = error.getLineNumber()
        raise refused(name, [f"line {line}: not valid XML: {error.getMessage()}"]) from error
    return handler.entries


class _OutlineHandler(ContentHandler):
    def __init__(self) -> None:
        super().__init__()
        self.entries: list[tuple[dict[str, Any], int]] = []
        self._locator: Any = None

    def setDocumentLocator(self, locator: Any) -> None:  # noqa: N802 - SAX's name
        self._locator = locator

    def startElement(self, name: str, attrs: Any) -> None:  # noqa: N802 - SAX's name
        given = {key.lower(): attrs[key] for key in attrs.getNames()}
        if name != "outline" or "xmlurl" not in given:
            return
        fields: dict[str, Any] = {
            "name": given.get("title") or given.get("text") or "",
            "url": given["xmlurl"],
            "terms": given.get("terms", ""),
            "kind": given.get("kind", SourceKind.FEED.value),
        }
        # Readers write regional codes such as en-us; the list keeps the language only.
        if language := given.get("language", "")[:2].lower():
            fields["language"] = language
        if outlet := given.get("outlet", ""):
            fields["outlet"] = outlet
        self.entries.append((fields, self._locator.getLineNumber()))
