"""Made-up training items that teach direction: the same words with opposite outcomes.

Real news seldom holds the two sides of a contrast side by side ("shorts liquidated" and "longs
liquidated"), so an encoder trained on it alone learns the topic and guesses the direction. The
templates of ``direction.toml`` hold both sides, for each driver and stance in like numbers.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

TEMPLATES = Path(__file__).with_name("direction.toml")
ITEMS_PER_TEMPLATE = 6

_DRIVERS = {
    "E": "etf_flows",
    "T": "treasury",
    "L": "leverage",
    "M": "macro",
    "R": "regulation",
    "S": "security",
    "A": "adoption",
}
_STANCES = {"+": "bullish", "-": "bearish", "0": "neutral"}
_CHOICE = re.compile(r"<([^<>]+)>")
# "a" before a name that is said with a vowel first.
_ARTICLE = re.compile(r"\b([Aa]) (?=Ether|XRP|Ark)")
_SLOT = re.compile(r"\{(\w+)\}")
# Words that headlines keep small.
# fmt: off
_SMALL = frozenset((
    "a", "an", "and", "as", "at", "but", "by", "for", "from", "if", "in", "into", "its", "nor",
    "of", "off", "on", "or", "per", "so", "than", "the", "to", "while", "with", "yet",
))
# fmt: on


@dataclass(frozen=True)
class Family:
    """Templates that share their labels; ``each`` items are made from each template."""

    drivers: dict[str, str]
    sentiment: str
    relevant: bool
    each: int
    templates: tuple[str, ...]


def direction_items(seed: int = 20251207) -> list[dict[str, Any]]:
    """Labelled items made from the templates, in the format that training reads.

    The same ``seed`` gives the same items in the same order. No two items share their words.
    """
    data = tomllib.loads(TEMPLATES.read_text(encoding="utf-8"))
    slots: dict[str, list[str]] = data["slots"]
    random = Random(seed)  # noqa: S311 - choice of wordings, no secret
    items: list[dict[str, Any]] = []
    seen: set[tuple[str | None, str | None]] = set()
    for family in _families(data["family"]):
        for template in family.templates:
            for _ in range(family.each):
                kind, title, text = _written(template, slots, random)
                if (title, text) in seen:
                    continue
                seen.add((title, text))
                items.append(
                    {
                        "kind": kind,
                        "title": title,
                        "text": text,
                        "published_at": None,
                        "source": "own",
                        "relevant": family.relevant,
                        "drivers": family.drivers,
                        "sentiment": family.sentiment,
                    }
                )
    random.shuffle(items)
    return [{"id": f"x{number:05d}", **item} for number, item in enumerate(items)]


def _families(rows: list[dict[str, Any]]) -> Iterator[Family]:
    for row in rows:
        codes = [] if row["labels"] in ("", "X") else row["labels"].split(",")
        yield Family(
            drivers={_DRIVERS[code[0]]: _STANCES[code[1]] for code in codes},
            sentiment=_STANCES[row["overall"]],
            relevant=row["labels"] != "X",
            each=row.get("each", ITEMS_PER_TEMPLATE),
            templates=tuple(line for line in row["templates"].splitlines() if line.strip()),
        )


def _written(
    template: str, slots: dict[str, list[str]], random: Random
) -> tuple[str, str | None, str | None]:
    """Kind, title and text of one item: a headline, a passage, or a title with its opening."""
    # One draw a slot, so that title and opening speak of the same sums and days.
    drawn = {name: random.choice(slots[name]) for name in _SLOT.findall(template)}
    filled = _SLOT.sub(lambda match: drawn[match[1]], template)
    filled = _CHOICE.sub(lambda match: random.choice(match[1].split("|")), filled)
    filled = _ARTICLE.sub(r"\1n ", filled)
    title, _, opening = filled.partition(" || ")
    title = title[0].upper() + title[1:]
    if opening:
        return "opening", _cased(title, random), opening[0].upper() + opening[1:]
    kind = random.choices(("headline", "passage", "opening"), (6, 3, 1))[0]
    if kind == "headline":
        return kind, _cased(title, random), None
    if kind == "passage":
        return kind, None, title + "."
    # Many openings only say the headline again.
    return kind, _cased(title, random), title + "."


def _cased(title: str, random: Random) -> str:
    """The title in headline case or as a sentence, as outlets differ in that."""
    if random.random() < 0.5:
        return title
    words = [
        word if place and word in _SMALL else word[0].upper() + word[1:]
        for place, word in enumerate(title.split(" "))
    ]
    return " ".join(words)
