"""Whether a piece of news has to do with crypto at all, by the words in it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from nlp.records import Entity

_WORDS = re.compile(
    r"\b(?:crypto\w*|bitcoin\w*|ether(?:eum)?|digital[- ]assets?|blockchains?|tokens?|coins?"
    r"|stablecoins?|altcoins?|memecoins?|web3|defi|satoshi\w*)\b",
    re.IGNORECASE,
)


def names_crypto(entities: Iterable[Entity], *fields: str | None) -> bool:
    """Whether the entities hold a coin or crypto fund, or the fields a word of the market."""
    return any(entity.type in ("asset", "fund") for entity in entities) or any(
        _WORDS.search(field) for field in fields if field
    )
