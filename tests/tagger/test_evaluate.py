"""The project's own figures agree with the score script's, and with figures worked out by hand."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from corpus.errors import InputError
from nlp.evaluate import evaluate
from nlp.records import Item


def gold_file(tmp_path, rows):
    path = tmp_path / "gold.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_by_hand(tmp_path):
    gold = gold_file(
        tmp_path,
        [
            {"id": "1", "drivers": {"macro": "bearish"}, "sentiment": "bearish"},
            {"id": "2", "drivers": {"macro": "bullish"}, "sentiment": "bullish"},
            {"id": "3", "drivers": {}, "sentiment": "neutral"},
        ],
    )
    tags = [
        {"id": "1", "drivers": [{"driver": "macro", "stance": "bearish"}], "sentiment": None},
        {"id": "3", "drivers": [{"driver": "macro", "stance": "neutral"}], "sentiment": None},
    ]
    scores = evaluate(gold, tags, resamples=50)
    assert scores.without_record == 1
    assert scores.figures["precision.macro"].value == pytest.approx(0.5)
    assert scores.figures["recall.macro"].value == pytest.approx(0.5)
    assert scores.figures["f1.macro"].value == pytest.approx(0.5)
    assert scores.figures["stance.accuracy"].value == 1
    assert scores.figures["sentiment.accuracy"].value == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2"),
        ('{"id": "2"}', "drivers"),
        ('{"id": "2", "drivers": {"x": "bearish"}}', "'x'"),
    ],
)
def test_a_broken_gold_line_is_named(tmp_path, line, said):
    path = tmp_path / "gold.jsonl"
    path.write_text('{"id": "1", "drivers": {}, "sentiment": "neutral"}\n' + line + "\n")
    with pytest.raises(InputError, match="line 2") as refusal:
        evaluate(path, [])
    assert said in refusal.value.message


def test_agrees_with_the_score_script(tagger, annotation, score_scripts, tmp_path):
    gold = annotation / "dev.jsonl"
    rows = [json.loads(line) for line in gold.read_text().splitlines()]
    records = tagger.tag([Item(id=row["id"], title=row["title"], text=row["text"]) for row in rows])
    tags = tmp_path / "tags.jsonl"
    tags.write_text("".join(record.to_json() + "\n" for record in records))
    out = tmp_path / "scores.json"
    subprocess.run(
        [
            sys.executable,
            score_scripts / "score_tags.py",
            gold,
            tags,
            "--resamples",
            "0",
            "--json",
            out,
        ],
        check=True,
        capture_output=True,
    )
    theirs = json.loads(out.read_text())
    ours = evaluate(gold, [json.loads(record.to_json()) for record in records], resamples=20)
    compared = set(theirs) & set(ours.figures)
    assert {
        "f1.core",
        "f1.all",
        "stance.accuracy",
        "sentiment.macro_f1",
        "calibration.ece",
    } <= compared
    for name in compared:
        assert ours.figures[name].value == pytest.approx(theirs[name], abs=5e-4), name


def test_a_file_of_another_kind_names_the_missing_field(tmp_path):
    path = tmp_path / "articles.jsonl"
    path.write_text('{"id": "1", "title": "Funds lose money"}\n')
    with pytest.raises(InputError, match="no field 'drivers'"):
        evaluate(path, [])
