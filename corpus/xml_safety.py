"""A look at the head of an XML document before a parser expands what is declared there."""

from __future__ import annotations

import codecs
import re

from corpus.errors import FetchError

_MOST_ENTITIES = 300  # the entity sets of HTML have about 250
_LONGEST_ENTITY = 200
_ASCII = bytes(range(0x20, 0x7F))
_EBCDIC = b"\x4c\x6f\xa7\x94"  # how "<?xm" begins there

# Atomic groups: the prolog of a hostile document is read once, never tried again.
_PROLOG = re.compile(rb"(?>\s+|<\?.*?\?>|<!--.*?-->)*+", re.DOTALL)
_SUBSET = re.compile(rb"<!DOCTYPE(?>\"[^\"]*\"|'[^']*'|[^\[>\"'])*+\[", re.IGNORECASE)
_DECLARATION = re.compile(rb"\s+(?:%\s+)?\S+\s+(SYSTEM|PUBLIC|[\"'])")
_STATED_ENCODING = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})[\"']")


def refuse_unsafe_entities(data: bytes, content_type: str = "") -> None:
    """Raise FetchError for external, nested or giant entities, and for encodings that hide them.

    Zero bytes are dropped first, which turns UTF-16 and UTF-32 declarations into ASCII ones; what
    else does not write ASCII as ASCII is refused. Where a document has declarations of its own,
    every entity declaration in it counts, wherever it seems to stand.
    """
    charset = re.search(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", content_type, re.IGNORECASE)
    stated = _STATED_ENCODING.search(data[:1000].replace(b"\0", b""))
    labels = [charset.group(1)] if charset else []
    labels += [stated.group(1).decode("ascii")] if stated else []
    if data.startswith(_EBCDIC) or not all(_writes_ascii(label) for label in labels):
        raise FetchError(
            "its XML is in an encoding that is refused", remedy="look for another address"
        )
    plain = data.replace(b"\0", b"").lstrip(b"\xff\xfe\xef\xbb\xbf")
    prolog = _PROLOG.match(plain)
    start = prolog.end() if prolog else 0
    if _SUBSET.match(plain, start) is None:
        return
    declared = plain[start:].split(b"<!ENTITY")[1:]
    if len(declared) > _MOST_ENTITIES:
        raise _unsafe("too many entities")
    for declaration in declared:
        _check(declaration)


def _writes_ascii(label: str) -> bool:
    try:
        codec = codecs.lookup(label)
    except LookupError:
        return True  # no parser knows it either, so each goes by the bytes
    if codec.name.startswith(("utf-16", "utf-32")):
        return True
    try:
        return bool(codec.decode(_ASCII)[0] == _ASCII.decode())
    except Exception:
        return False  # a codec for something else than text, which fails in its own way


def _check(declaration: bytes) -> None:
    match = _DECLARATION.match(declaration)
    if match is None:
        raise _unsafe("an entity that cannot be read")
    kind = match.group(1)
    rest = declaration[match.end() :]
    if kind in {b"SYSTEM", b"PUBLIC"}:
        # Old RSS 1.0 names the character sets of the W3C; they are never fetched either.
        if not re.match(rb"\s+[\"']-//W3C//ENTITIES ", rest):
            raise _unsafe("an external entity")
        return
    value = rest.split(kind, 1)[0]
    if len(value) > _LONGEST_ENTITY:
        raise _unsafe("a giant entity")
    if re.search(rb"&(?!#\w+;)|%\w", value):
        raise _unsafe("nested entities")


def _unsafe(what: str) -> FetchError:
    return FetchError(
        f"its XML declares {what}, which is refused",
        remedy="no news feed needs it; look for another address",
    )
