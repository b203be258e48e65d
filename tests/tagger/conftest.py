"""The shipped tagger, sentences of our own, and where the labelled news is."""

from __future__ import annotations

from pathlib import Path

import pytest

from nlp.records import Item
from nlp.tagger import Tagger

SHARED = Path(__file__).resolve().parents[3] / "shared"

TITLES = (
    "Spot bitcoin ETFs lose $410 million in a day as outflows run into a second week",
    "Shorts worth $220 million liquidated on Binance as bitcoin jumps past $90,000",
    "Hot inflation print pushes rate-cut bets into next year and drags bitcoin lower",
    "A listed treasury company adds 1,200 BTC to its balance sheet for $110 million",
    "Exchange halts withdrawals after a $40 million exploit of its hot wallet",
    "Senate panel advances a stablecoin bill that issuers had lobbied for",
    "Payments firm rolls out ether settlement for merchants in forty countries",
    "Museum reopens its east wing after two years of repairs",
)
OPENING = (
    "The funds have now given back almost all that they took in during October. "
    "Traders on a derivatives desk said that long positions were being closed. "
    "Yields on ten-year Treasury notes rose four basis points."
)
FILLER = (
    "The company opened a new office in the harbour district. Staff moved in over the weekend. "
    "The building has nine floors and a canteen that serves lunch. "
)


def items() -> list[Item]:
    """Headlines, headlines with openings, and passages, all our own."""
    found = [Item(id=f"h{n}", title=title) for n, title in enumerate(TITLES)]
    found += [Item(id=f"o{n}", title=title, text=OPENING) for n, title in enumerate(TITLES)]
    found += [Item(id=f"p{n}", text=f"{title}. {OPENING}") for n, title in enumerate(TITLES)]
    return found


def long_article() -> Item:
    """Nine paragraphs of which only the last but one speaks of a driver."""
    paragraphs = [FILLER * 3 for _ in range(8)]
    paragraphs.append(
        "Spot bitcoin ETFs bled $530 million on Thursday, the largest daily outflow since August. "
        "Redemptions from the funds have now run for six sessions in a row."
    )
    paragraphs.append(FILLER)
    return Item(id="long", title="Notes from the harbour district", text="\n\n".join(paragraphs))


@pytest.fixture(scope="session")
def tagger() -> Tagger:
    return Tagger.load()


@pytest.fixture(scope="session")
def own_items() -> list[Item]:
    return items()


@pytest.fixture(scope="session")
def own_article() -> Item:
    return long_article()


@pytest.fixture(scope="session")
def annotation() -> Path:
    """The folder of labelled news; tests that need it skip where it is not there."""
    folder = SHARED / "annotation"
    if not folder.is_dir():
        pytest.skip("needs the labelled news of ../shared/annotation")
    return folder


@pytest.fixture(scope="session")
def score_scripts() -> Path:
    folder = SHARED / "score"
    if not folder.is_dir():
        pytest.skip("needs the score scripts of ../shared/score")
    return folder
