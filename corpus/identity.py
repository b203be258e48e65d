"""Which article is which: canonical URLs, article ids and content hashes.

Canonical URLs follow these rules, in this order:

1. A Google AMP viewer or AMP cache address stands for the page inside it.
2. Scheme and host are lower case; ``http`` counts as ``https`` unless the host is an IP address,
   ``localhost`` or has a port of its own. User names, default ports and a final dot go.
3. Hosts that show the same page go: a leading ``www.``, ``m.``, ``mobile.`` or ``amp.``.
4. In the path, dot segments and doubled slashes go, escapes are upper case and only where needed,
   an ``amp`` segment at the end (or ``.amp`` before ``.html``) goes, and so does a trailing slash.
   Letter case stays: paths are case-sensitive.
5. Tracking parameters and AMP switches go from the query; the others are sorted by name, values
   that share a name keeping their order.
6. The fragment goes.

An address of another scheme (``urn:...``) has only its white space trimmed.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from functools import lru_cache
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from corpus.errors import InputError

_TRACKING_PREFIXES = (
    "utm_",
    "mtm_",
    "pk_",
    "piwik_",
    "hsa_",
    "oly_",
    "vero_",
    "at_",
    "__hs",
    "_hs",
)
_TRACKING_NAMES = frozenset(
    {
        "fbclid",
        "gclid",
        "gclsrc",
        "dclid",
        "gbraid",
        "wbraid",
        "msclkid",
        "twclid",
        "yclid",
        "ttclid",
        "li_fat_id",
        "igshid",
        "igsh",
        "mc_cid",
        "mc_eid",
        "mkt_tok",
        "s_cid",
        "ncid",
        "cmpid",
        "cmp",
        "ito",
        "spm",
        "ref",
        "ref_src",
        "ref_url",
        "referrer",
        "guccounter",
        "guce_referrer",
        "guce_referrer_sig",
        "sh",
        "share",
        "smid",
        "__twitter_impression",
        "_ga",
        "_gl",
        "wt_mc",
        "ftag",
        "feature",
        "feedtype",
        "feed_id",
        "rss",
        "source_feed",
    }
)
_AMP_SWITCHES = frozenset({("amp", ""), ("amp", "1"), ("outputtype", "amp"), ("output", "amp")})
_SAME_PAGE_HOSTS = ("www.", "m.", "mobile.", "amp.")
_LONGEST_REMEMBERED = 500  # characters of an address; lists from strangers hold giant ones too
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SAFE_IN_PATH = "/:@!$&'()*+,;=~-._"


def canonical_url(url: str) -> str:
    """The one form of ``url`` that all addresses of the same page share.

    Raises :class:`InputError` when it is no absolute URL.
    """
    text = url.strip()
    return _remembered_canonical(text) if len(text) <= _LONGEST_REMEMBERED else _canonical(text)


@lru_cache(maxsize=4_096)  # asked for again at each step from a list to the store
def _remembered_canonical(text: str) -> str:
    return _canonical(text)


def _canonical(text: str) -> str:
    try:
        text.encode()  # half a surrogate pair has no bytes to hash
        parts = urlsplit(text)
        port = parts.port
        host = (parts.hostname or "").rstrip(".")
    except ValueError as problem:
        raise InputError(f"not a URL: {text[:200]!r} ({problem})") from None
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS:
        if not scheme or len(scheme) < 2:
            raise InputError(
                f"not a URL: {text[:200]!r}", remedy="give an absolute address with its scheme"
            )
        return text
    if not host:
        raise InputError(f"the URL {text[:200]!r} names no host")
    host = _ascii_host(host)
    inner = _page_inside_amp_cache(host, parts.path)
    if inner is not None:
        return canonical_url(inner + (f"?{parts.query}" if parts.query else ""))
    if port == _DEFAULT_PORTS[scheme]:
        port = None
    if scheme == "http" and port is None and not _is_local(host):
        scheme = "https"
    for prefix in _SAME_PAGE_HOSTS:
        rest = host.removeprefix(prefix)
        if rest != host and "." in rest:
            host = rest
            break
    network = f"[{host}]" if ":" in host else host
    if port is not None:
        network += f":{port}"
    return urlunsplit((scheme, network, _clean_path(parts.path), _clean_query(parts.query), ""))


def article_id(canonical: str) -> str:
    """The id of the article at a canonical URL: 20 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(canonical.encode()).hexdigest()[:20]


def feed_identifier(source: str, stated: str) -> str:
    """A name for the article that a feed of ``source`` identifies as ``stated``.

    Looks like an article's id, and is one where the identifier is a web address (a permalink).
    """
    if re.match(r"https?://", stated.strip(), re.IGNORECASE):
        try:
            return article_id(canonical_url(stated))
        except InputError:
            pass  # an address in form only: an identifier like any other
    return article_id(f"{source}\0{stated.strip()}")


def same_headline(one: str, other: str) -> bool:
    """Whether two headlines have the same words, whatever their case and punctuation."""
    return _words(one) == _words(other)


def _words(headline: str) -> list[str]:
    return re.findall(r"\w+", headline.casefold())


def content_hash(title: str, text: str | None) -> str:
    """SHA-256 over title and text with white space folded; equal content gives an equal hash."""
    folded = "\0".join(" ".join((part or "").split()) for part in (title, text))
    return hashlib.sha256(folded.encode("utf-8", "surrogatepass")).hexdigest()


def host_of(url: str) -> str | None:
    """The host of a canonical URL, or null for an address without one."""
    return urlsplit(url).hostname


def _ascii_host(host: str) -> str:
    if host.isascii():
        return host.lower()
    try:
        return host.encode("idna").decode().lower()
    except UnicodeError:
        raise InputError(f"the URL names an impossible host: {host[:200]!r}") from None


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _page_inside_amp_cache(host: str, path: str) -> str | None:
    if host.removeprefix("www.") == "google.com" and path.startswith("/amp/"):
        inside = path.removeprefix("/amp/")
    elif host.endswith(".cdn.ampproject.org"):
        match = re.match(r"/(?:c|v|i|wp)/(.+)", path)
        if match is None:
            return None
        inside = match[1]
    else:
        return None
    scheme = "https" if inside.startswith("s/") else "http"
    inside = inside.removeprefix("s/")
    return f"{scheme}://{inside}" if "." in inside.split("/", 1)[0] else None


def _clean_path(path: str) -> str:
    segments: list[str] = []
    for escaped in path.split("/"):
        # An escaped slash is part of its segment; decoding it would make two of one.
        segment = "%2F".join(
            quote(unquote(piece, errors="surrogateescape"), _SAFE_IN_PATH, errors="surrogateescape")
            for piece in re.split("%2f", escaped, flags=re.IGNORECASE)
        )
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    if segments and segments[-1].lower() == "amp":
        segments.pop()
    if segments:
        segments[-1] = re.sub(r"\.amp(\.html?)?$", r"\1", segments[-1])
    return "/" + "/".join(segments)


def _clean_query(query: str) -> str:
    kept = [
        (name, value)
        for name, value in parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
        if not _is_noise(name.lower(), value.lower())
    ]
    kept.sort(key=lambda pair: pair[0])
    return urlencode(kept, errors="surrogateescape")


def _is_noise(name: str, value: str) -> bool:
    return (
        name in _TRACKING_NAMES
        or name.startswith(_TRACKING_PREFIXES)
        or (name, value) in _AMP_SWITCHES
    )
