"""An added driver is found in news it was not learned from, and changes nothing that was there."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from corpus.errors import InputError, ModelError, UsageError
from nlp.added_drivers import load_drivers, read_driver, require_free_name, save_driver
from nlp.added_examples import FEWEST, MOST, background_items, read_examples
from nlp.added_training import learn_driver
from nlp.records import TagFailure
from nlp.tagger import Tagger

NAME = "mining_supply"
MADE_AT = datetime(2026, 1, 2, tzinfo=UTC)


def test_news_of_the_driver_is_told_from_other_news(with_mining, own_news):
    found = {record.id: record.probabilities[NAME] for record in with_mining.tag(own_news)}
    mining = [value for key, value in found.items() if key[0] == "m"]
    other = [value for key, value in found.items() if key[0] == "o"]
    assert min(mining) > max(other)
    assert sum(value >= with_mining.added[0].threshold for value in mining) >= 4
    assert not any(value >= with_mining.added[0].threshold for value in other)


def test_the_shipped_drivers_are_unchanged_to_the_bit(tagger, with_mining, own_news):
    names = [head.name for head in tagger.manifest.heads]
    for before, after in zip(tagger.tag(own_news), with_mining.tag(own_news), strict=True):
        assert after.model != before.model
        kept = after.model_copy(
            update={
                "model": before.model,
                "drivers": tuple(tag for tag in after.drivers if tag.driver in names),
                "uncertain": tuple(name for name in after.uncertain if name in names),
                "probabilities": {name: after.probabilities[name] for name in names},
            }
        )
        assert kept.to_json() == before.to_json()
        assert list(after.probabilities) == [*names, NAME]


def test_without_added_drivers_nothing_is_different(model, tagger, own_news, tmp_path):
    bare = Tagger.load(model, added=[tmp_path / "no-such-folder"])
    assert bare.identity == tagger.identity
    assert bare.tag(own_news) == tagger.tag(own_news)


def test_an_item_is_tagged_alike_in_any_company(with_mining, own_news):
    together = with_mining.tag(own_news)
    assert [with_mining.tag([item])[0] for item in own_news] == together
    assert with_mining.tag(own_news[::-1])[::-1] == together


def test_a_driver_told_in_paragraph_nine_is_found(with_mining, own_news):
    item = next(item for item in own_news if item.id == "long")
    record = with_mining.tag([item])[0]
    tag = next(tag for tag in record.drivers if tag.driver == NAME)
    assert all("min" in span.text.casefold() for span in tag.evidence)


def test_evidence_is_exact_and_carries_the_tag(with_mining, own_news):
    tagged = 0
    for item, record in zip(own_news, with_mining.tag(own_news), strict=True):
        tag = next((tag for tag in record.drivers if tag.driver == NAME), None)
        if tag is None:
            continue
        tagged += 1
        assert tag.evidence
        fields = {"title": item.title or "", "text": item.text or ""}
        left = dict(fields)
        for span in sorted(tag.evidence, key=lambda span: -span.start):
            assert fields[span.field][span.start : span.end] == span.text
            left[span.field] = left[span.field][: span.start] + left[span.field][span.end :]
        without = with_mining.tag([item.model_copy(update=left)])[0]
        # With every word gone there is nothing left to tag.
        assert isinstance(without, TagFailure) or without.probabilities[NAME] < tag.probability
    assert tagged >= 5


def test_its_stance_is_the_overall_sentiment(with_mining, own_news):
    for record in with_mining.tag(own_news):
        for tag in record.drivers:
            if tag.driver == NAME:
                assert (tag.stance, tag.stance_score) == (
                    record.sentiment.label,
                    record.sentiment.score,
                )


def test_what_is_not_read_has_no_probability(with_mining, own_news):
    record = with_mining.tag([item for item in own_news if item.id == "de"])[0]
    assert record.relevant is None
    assert record.probabilities[NAME] == 0.0


def test_the_same_examples_give_the_same_driver(tagger, made, learned, examples_file, tmp_path):
    examples = read_examples(examples_file(tmp_path / "eight.jsonl", learned, stance="bearish"))
    again = learn_driver(
        tagger, examples, name=NAME, title=made.driver.title, created_at=made.driver.created_at
    )
    assert again == made.driver
    assert again.digest == made.driver.digest
    report = again.report
    assert report.auc_lower <= report.auc <= report.auc_upper
    assert sum(part.items for part in report.bins) == report.positives + report.background
    assert report.stances == len(learned)
    assert not any("cannot be told apart" in warning for warning in report.warnings)


def test_examples_without_a_theme_are_warned_of(tagger, no_theme, examples_file, tmp_path):
    examples = read_examples(examples_file(tmp_path / "mixed.jsonl", no_theme))
    driver = learn_driver(tagger, examples, name="mixed", title="Mixed", created_at=MADE_AT)
    assert any("cannot be told apart" in warning for warning in driver.report.warnings)


def test_a_changed_or_shortened_file_is_refused(made, tmp_path):
    payload = made.path.read_text()
    path = tmp_path / made.path.name
    content = json.loads(payload)
    for harmed in (
        payload[: len(payload) // 2],
        json.dumps(content | {"threshold": 0.01}),
        json.dumps(content | {"state_weights": [0.0, *content["state_weights"][1:]]}),
        json.dumps({key: value for key, value in content.items() if key != "digest"}),
        "[]",
        "",
    ):
        path.write_text(harmed)
        with pytest.raises(ModelError, match=path.name):
            read_driver(path)
    path.write_text(payload)
    assert read_driver(path) == made.driver
    renamed = path.rename(tmp_path / "other.json")
    with pytest.raises(ModelError, match="changed"):
        read_driver(renamed)


def test_a_driver_of_another_model_is_refused(tagger, made):
    other = tagger.manifest.model_copy(update={"version": "another"})
    with pytest.raises(ModelError, match="another model"):
        load_drivers([made.path], other)
    with pytest.raises(ModelError, match="no added driver"):
        load_drivers([made.path.with_name("nothing.json")], tagger.manifest)


def test_a_name_stands_once(tagger, made):
    with pytest.raises(ModelError, match="two drivers"):
        load_drivers([made.path, made.folder], tagger.manifest)
    with pytest.raises(UsageError, match="mining_supply"):
        save_driver(made.driver, made.folder)
    assert save_driver(made.driver, made.folder, overwrite=True) == made.path


@pytest.mark.parametrize("name", ["macro", "Mining", "x", "a/b", "9th", "", "two words"])
def test_a_name_is_free_and_plain(name):
    with pytest.raises(UsageError) as refusal:
        require_free_name(name, ["macro"])
    assert refusal.value.remedy


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ('{"title": "Hash', "not valid JSON|JSON"),
        ('{"title": null, "text": " "}', "no words"),
        ('{"title": 7}', "not text"),
        ('{"title": "Rigs go dark", "label": "perhaps"}', "neither true nor false"),
        ('{"title": "Rigs go dark", "stance": "up"}', "unknown stance"),
        ('{"title": "Mining difficulty rises for the fifth time in a row"}', "same words"),
    ],
)
def test_a_broken_example_is_named_by_its_line(learned, examples_file, tmp_path, row, words):
    path = examples_file(tmp_path / "eight.jsonl", learned)
    path.write_text(path.read_text() + row + "\n")
    with pytest.raises(InputError, match=words) as refusal:
        read_examples(path)
    assert f"eight.jsonl:{len(learned) + 1}" in refusal.value.message


def test_too_few_or_too_many_examples_are_refused(examples_file, tmp_path):
    path = tmp_path / "examples.jsonl"
    for number in (FEWEST - 1, MOST + 1):
        examples_file(path, tuple(f"Miners sell {n} coins" for n in range(number)))
        with pytest.raises(InputError, match=str(number)):
            read_examples(path)


def test_labels_and_stances_are_read_from_a_table_too(tmp_path, learned):
    path = tmp_path / "examples.csv"
    rows = [f'"{title}",true,bullish' for title in learned] + [
        "Gold mine floods,no,",
        "Gold,False,",
    ]
    path.write_text("\n".join(["title,label,stance", *rows]))
    examples = read_examples(path)
    assert (len(examples.positives), len(examples.negatives)) == (len(learned), 2)
    assert examples.positives[0].stance == "bullish"
    assert examples.negatives[0].stance is None


def test_the_background_is_readable_and_not_repeated(tagger):
    items = background_items()
    words = {(item.title, item.text) for item in items}
    assert len(words) == len(items) > 400
