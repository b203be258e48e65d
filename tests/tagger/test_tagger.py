"""What the tagger promises of any item, on the shipped model."""

from __future__ import annotations

import json
import random

import pytest

from nlp.boilerplate import is_boilerplate
from nlp.encoding import TextEncoder
from nlp.lexical import load_lexical_head
from nlp.manifest import LEXICAL_FILE, TOKENIZER_FILE, read_manifest
from nlp.records import Item, TagFailure, TagRecord
from nlp.tagger import SHIPPED
from nlp.taxonomy import drivers


def found(record) -> set[str]:
    assert isinstance(record, TagRecord), record
    return {tag.driver for tag in record.drivers}


@pytest.mark.parametrize(
    ("title", "driver", "stance"),
    [
        ("Spot bitcoin ETFs lose $410 million in a day", "etf_flows", "bearish"),
        ("Bitcoin ETFs take in $620 million, the most since July", "etf_flows", "bullish"),
        ("Treasury firm sells 900 BTC to pay down debt", "treasury", "bearish"),
        ("Listed company buys another 1,200 bitcoin for its treasury", "treasury", "bullish"),
        ("$500 million of long positions liquidated as bitcoin drops", "leverage", "bearish"),
        ("Hawkish Fed dashes hopes of a rate cut and risk assets sink", "macro", "bearish"),
        ("Softer inflation lifts odds of a Fed rate cut", "macro", "bullish"),
        ("Lender halts withdrawals after $60 million hack", "security", "bearish"),
    ],
)
def test_plain_headlines(tagger, title, driver, stance):
    record = tagger.tag([Item(id="1", title=title)])[0]
    assert driver in found(record)
    assert next(tag.stance for tag in record.drivers if tag.driver == driver) == stance


def test_off_topic_has_no_driver(tagger):
    record = tagger.tag([Item(id="1", title="Museum reopens its east wing after repairs")])[0]
    assert not found(record)
    assert record.relevant is False


@pytest.mark.parametrize(
    "title",
    [
        "A dull dividend ETF beats its growth rival for the first time in a year",
        "Bond ETF takes in a record $2 billion as savers look for income",
    ],
)
def test_funds_without_a_link_to_crypto_are_no_etf_flows(tagger, title):
    assert "etf_flows" not in found(tagger.tag([Item(id="1", title=title)])[0])


def test_records_are_complete_and_in_order(tagger, own_items):
    records = tagger.tag(own_items)
    assert [record.id for record in records] == [item.id for item in own_items]
    for record in records:
        told = json.loads(record.to_json())
        assert told["model"] == tagger.identity
        assert set(told["probabilities"]) == {driver.name for driver in drivers()}
        assert sum(told["sentiment"]["probabilities"].values()) == pytest.approx(1, abs=2e-4)
        for tag in told["drivers"]:
            assert -1 <= tag["stance_score"] <= 1
            assert tag["evidence"], "a tag without evidence"


def test_spans_reproduce_their_text(tagger, own_items, own_article):
    for item in [*own_items, own_article]:
        record = tagger.tag([item])[0]
        fields = {"title": item.title or "", "text": item.text or ""}
        spans = [span for tag in record.drivers for span in tag.evidence]
        for span in [*spans, *record.amounts]:
            assert fields[span.field][span.start : span.end] == span.text
        for entity in record.entities:
            assert fields[entity.field][entity.start : entity.end].strip()


def test_same_record_in_any_company(tagger, own_items, own_article):
    every = [*own_items, own_article]
    together = {record.id: record.to_json() for record in tagger.tag(every)}
    alone = {item.id: tagger.tag([item])[0].to_json() for item in every}
    shuffled = random.Random(7).sample(every, len(every))
    mixed = {record.id: record.to_json() for record in tagger.tag_stream(shuffled, chunk=5)}
    assert together == alone == mixed


def test_driver_late_in_a_long_article(tagger, own_article):
    record = tagger.tag([own_article])[0]
    tag = next(tag for tag in record.drivers if tag.driver == "etf_flows")
    assert tag.stance == "bearish"
    assert any("bled $530 million" in span.text for span in tag.evidence)


@pytest.mark.parametrize(
    "sentence",
    [
        "This article does not constitute investment advice on bitcoin ETFs.",
        "Subscribe to our daily newsletter for ETF flows and liquidations.",
        "Related: Bitcoin ETFs lose $410 million as longs are liquidated",
        "Disclaimer: crypto is volatile and leverage can wipe you out.",
        "No constituye asesoramiento financiero.",
    ],
)
def test_page_furniture_makes_no_tag(tagger, own_article, sentence):
    assert is_boilerplate(sentence)
    plain = own_article.text.split("Spot bitcoin ETFs")[0]
    without, with_it = tagger.tag(
        [
            Item(id="a", title="Notes", text=plain),
            Item(id="b", title="Notes", text=f"{plain}\n\n{sentence}"),
        ]
    )
    assert found(without) == found(with_it)


def test_a_word_level_score_is_the_sum_of_its_tokens_shares(own_items, own_article):
    manifest = read_manifest(SHIPPED)
    head = load_lexical_head(SHIPPED / LEXICAL_FILE)
    encoder = TextEncoder(SHIPPED / TOKENIZER_FILE, max_tokens=manifest.max_tokens)
    pairs = [(one.title, one.text) for one in [*own_items, own_article] if one.title or one.text]
    encodings = encoder.encode([*pairs, ("go", None), ("funds funds funds", None)])
    scores = head.scores(encodings)
    for row, encoding in enumerate(encodings):
        for output in range(len(manifest.heads)):
            shares = head.token_shares(encoding, output)
            assert shares.shape == (len(encoding.ids),)
            total = float(shares.sum()) + head.bias[output]
            assert total == pytest.approx(scores[row, output], abs=1e-4)


def test_evidence_is_the_sentence_that_speaks_of_the_driver(tagger):
    """A title on another theme was given for it while the word-level half had no say."""
    text = (
        "The funds have now given back almost all that they took in during October. Traders on a"
        " derivatives desk said that long positions were being closed. Yields on ten-year Treasury"
        " notes rose four basis points."
    )
    item = Item(id="1", title="Hot inflation print pushes rate-cut bets out", text=text)
    told = {tag.driver: tag.evidence for tag in tagger.tag([item])[0].drivers}
    assert {span.field for span in told["macro"]} == {"title"}
    assert ["long positions" in span.text for span in told["leverage"]] == [True]


def test_deleting_the_evidence_lowers_the_probability(tagger, own_items, own_article):
    checked = 0
    for item in [one for one in own_items if one.title and one.text] + [own_article]:
        for tag in tagger.tag([item])[0].drivers:
            fields = {"title": item.title, "text": item.text}
            for span in sorted(tag.evidence, key=lambda one: -one.start):
                whole = fields[span.field]
                fields[span.field] = whole[: span.start] + whole[span.end :]
            left = tagger.tag([Item(id="x", title=fields["title"] or None, text=fields["text"])])[0]
            if isinstance(left, TagRecord):
                assert left.probabilities[tag.driver] < tag.probability
                checked += 1
    assert checked > 5


BAD = {
    "empty": ("", ""),
    "white": ("  \n ", None),
    "emoji": ("🚀🚀🚀", None),
    "address": ("https://news.example/a?b=c", None),
    "nulls": ("\x00\x00", "\x00"),
    "binary": ("\x89PNG\x1a\x00\ufffd\ufffd", "\x01\x02\ufffd"),
    "markup": ("<script>alert(1)</script><b>Bitcoin ETFs lose $1 billion</b>", "<p>" * 500),
    "mixed": ("Bitcoin ETF 資金流出 という flows", "Приток в ETF. Inflows into ETFs."),
    "megabyte": ("Bitcoin", "ETF outflows rose again on Monday. " * 30_000),
    "no spaces": ("x" * 100_000, None),
    "nested": ("<" * 50_000, "<a " * 20_000),
}


@pytest.mark.parametrize("name", BAD)
def test_any_text_gives_a_record_or_a_stated_failure(tagger, name):
    title, text = BAD[name]
    answer = tagger.tag([Item(id=name, title=title, text=text)])[0]
    assert answer.id == name
    if isinstance(answer, TagFailure):
        assert "no words" in json.loads(answer.to_json())["error"]
    else:
        assert answer.model == tagger.identity


def test_failures_keep_their_place(tagger):
    answers = tagger.tag([Item(id="1", title=""), Item(id="2", title="Fed cuts rates")])
    assert isinstance(answers[0], TagFailure)
    assert isinstance(answers[1], TagRecord)


def test_many_items_at_once(tagger):
    items = [Item(id=str(n), title=f"ETF inflows reach ${n} million") for n in range(2000)]
    assert [record.id for record in tagger.tag(items)] == [item.id for item in items]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Los fondos cotizados de bitcoin registran salidas por cuarta semana consecutiva", "es"),
        ("Bitcoin-Fonds verzeichnen erneut hohe Abflüsse, Anleger ziehen Geld ab", "de"),
        ("比特币现货基金连续第三周出现资金净流出", "zh"),
        ("Отток средств из биржевых фондов биткоина продолжается третью неделю", "ru"),
    ],
)
def test_other_languages_are_named_and_not_guessed(tagger, text, language):
    record = tagger.tag([Item(id="1", title=text)])[0]
    assert record.language == language
    assert record.relevant is None
    assert record.sentiment is None
    assert not record.drivers
    assert not any(record.probabilities.values())
