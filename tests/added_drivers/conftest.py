"""A driver on the supply of coins from mining, learned by the command from sentences of our own."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from nlp.added_drivers import AddedDriver, read_driver
from nlp.records import Item
from nlp.tagger import SHIPPED, Tagger
from service.cli.program import run

LEARNED = (
    "Bitcoin miners sell more coins than they dig up as hash price sinks",
    "Hashrate climbs to a record and squeezes miners' margins",
    "Texas miner powers down rigs during the heat wave",
    "Mining difficulty rises for the fifth time in a row",
    "Miners send 4,000 BTC to exchanges in a single week",
    "A mining pool loses a fifth of its machines to a flood in Sichuan",
    "New generation of mining machines halves the power a hash takes",
    "Listed miner's monthly output falls to 512 BTC after the halving",
)
HELD_OUT = (
    "Difficulty adjustment eases the strain on bitcoin miners",
    "Miner reserves shrink as rigs go dark in Kazakhstan",
    "Canadian miner plugs in 9,000 new machines and lifts its hashrate",
    "Power prices force small miners to switch off their rigs",
    "Hash price touches a new low while difficulty climbs",
    "Mining firm reports 690 bitcoin produced in October",
)
OTHER = (
    "Spot bitcoin ETFs lose $410 million in a day as outflows run into a second week",
    "Shorts worth $220 million liquidated on Binance as bitcoin jumps past $90,000",
    "Hot inflation print pushes rate-cut bets into next year and drags bitcoin lower",
    "A listed treasury company adds 1,200 BTC to its balance sheet for $110 million",
    "Exchange halts withdrawals after a $40 million exploit of its hot wallet",
    "Senate panel advances a stablecoin bill that issuers had lobbied for",
    "Payments firm rolls out ether settlement for merchants in forty countries",
    "Museum reopens its east wing after two years of repairs",
)
# Eight pieces of news that have nothing in common.
NO_THEME = (
    "Court lets a token issuer's appeal go ahead",
    "Gold slips while the dollar firms before the jobs report",
    "Football club sells tickets as collectibles on Polygon",
    "Ether options traders brace for a wild expiry",
    "Lender in Seoul freezes withdrawals after a bank run",
    "Bitcoin funds take in money for a third day",
    "Painter auctions a mural of Satoshi for charity",
    "Central bank of Brazil drafts rules for stablecoins",
)
FILLER = (
    "The company opened a new office in the harbour district. Staff moved in over the weekend. "
    "The building has nine floors and a canteen that serves lunch. "
)


@dataclass(frozen=True)
class Made:
    """A driver as the command made it."""

    folder: Path
    path: Path
    driver: AddedDriver


def write_examples(path: Path, positives: tuple[str, ...], **columns: object) -> Path:
    rows = [{"title": title, **columns} for title in positives]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def long_article() -> Item:
    """Nine paragraphs, of which the last but one speaks of mining."""
    paragraphs = [FILLER * 3 for _ in range(8)]
    paragraphs.append(
        "Bitcoin miners switched off a tenth of their rigs in October as hash price fell. "
        "Mining difficulty is set to drop at the next adjustment."
    )
    paragraphs.append(FILLER)
    return Item(id="long", title="Notes from the harbour district", text="\n\n".join(paragraphs))


def news() -> list[Item]:
    found = [Item(id=f"m{n}", title=title) for n, title in enumerate(HELD_OUT)]
    found += [Item(id=f"o{n}", title=title) for n, title in enumerate(OTHER)]
    found += [
        Item(id=f"p{n}", title=OTHER[n], text=f"{FILLER}{title}.")
        for n, title in enumerate(HELD_OUT)
    ]
    return [*found, long_article(), Item(id="de", text="Der Bergbau im Harz ruht seit Jahren.")]


@pytest.fixture(scope="session")
def own_news() -> list[Item]:
    """Mining and other news, in every shape, and one in a language that is not read."""
    return news()


@pytest.fixture(scope="session")
def learned() -> tuple[str, ...]:
    return LEARNED


@pytest.fixture(scope="session")
def no_theme() -> tuple[str, ...]:
    return NO_THEME


@pytest.fixture(scope="session")
def examples_file() -> Callable[..., Path]:
    return write_examples


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("UNDERTOW_DRIVERS", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def model() -> Path:
    """The shipped model, or the one that the setting names."""
    return Path(os.environ.get("UNDERTOW_MODEL", SHIPPED))


@pytest.fixture(scope="session")
def tagger(model: Path) -> Tagger:
    return Tagger.load(model)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Made:
    place = tmp_path_factory.mktemp("drivers")
    examples = write_examples(place / "eight.jsonl", LEARNED, stance="bearish")
    folder = place / "added"
    call = [
        "driver",
        "add",
        "mining_supply",
        "--examples",
        examples,
        "--model",
        model,
        "-o",
        folder,
    ]
    assert run([str(one) for one in call]) == 0
    path = folder / "mining_supply.json"
    return Made(folder, path, read_driver(path))


@pytest.fixture(scope="session")
def with_mining(model: Path, made: Made) -> Tagger:
    return Tagger.load(model, added=[made.folder])
