"""Price recaps: stories that retell what the price did.

Such stories echo the return, so a same-day link found with them in may be the price talking to
itself; ``--exclude-recaps`` leaves them out of index and study. The rule reads only the title, so
that anyone can check it.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_COIN = (
    r"(?:bitcoin|btc|ether(?:eum)?|eth|crypto(?:currency|currencies)?(?: (?:market|prices?))?"
    r"|xrp|solana|sol)"
)
_MOVE = (
    r"(?:rises?|rose|jumps?|jumped|surges?|surged|rall(?:y|ies|ied)|climbs?|climbed|gains?|gained|soars?|soared|rebounds?"
    r"|rebounded|recovers?|recovered|tops?|topped|breaks?|broke|reclaims?|reclaimed|hits?|nears?|neared|holds?|held"
    r"|falls?|fell|drops?|dropped|slides?|slid|slips?|slipped|sinks?|sank|tumbles?|tumbled|plunges?|plunged|dips?|dipped"
    r"|crash(?:es|ed)?|retreats?|retreated|steadies|steadied|trades?|traded|slumps?|slumped|loses?|lost)"
)
_LEVEL = r"(?:\$\s?\d[\d,.]*\s?k?|\d+(?:\.\d+)?\s?(?:%|percent))"
_REVIEW = re.compile(
    r"\bprice (?:analysis|prediction|watch|today|forecast|update)\b"
    r"|\bmarkets? (?:wrap|today|recap)\b"
    r"|\btechnical analysis\b",
    re.IGNORECASE,
)
_REVIEWED = ("price", "market", "technical")  # one of these stands in every review
_MOVE_TOLD = re.compile(rf"\b{_COIN}(?:'s|’s)?(?: price)? {_MOVE}\b", re.IGNORECASE)
_FIGURE = re.compile(_LEVEL, re.IGNORECASE)


def is_recap(title: str, drivers: Collection[str]) -> bool:
    """Whether a story retells the price.

    True when the title is a price review ("price analysis", "market wrap"), or says that a coin
    moved and either gives the level or percentage or no driver was tagged (``drivers``: names at
    or above their threshold).
    """
    # Looked for first what is quickly found: an index asks this of a million titles.
    lower = title.lower()
    if any(word in lower for word in _REVIEWED) and _REVIEW.search(title):
        return True
    if drivers and not _FIGURE.search(title):
        return False
    return _MOVE_TOLD.search(title) is not None
