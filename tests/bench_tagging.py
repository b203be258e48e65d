"""The tagger against two yardsticks, on the same items in the same run.

``python -m tests.bench_tagging`` prints the rates and their ratios.

(a) transformers' ``pipeline`` with a classifier of BERT-base's shape (random weights, which does
for speed), called as its documentation does; (b) the encoder that the tagger starts from, through
sentence-transformers. Rounds alternate, the first is thrown away, medians and the spread count.
Items are titles and whole articles of the bundled sample, or of real news where it lies beside the
repository. Results go to ``bench-results/tagging.json`` and are compared with those of the last
run.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import click

ROOT = Path(__file__).parents[1]
NEWS = ROOT.parent / "shared" / "news" / "news-2025-H1.parquet"
RESULT = ROOT / "bench-results" / "tagging.json"
ROUNDS = 3
# The slow yardstick takes fewer items: rates are compared, not totals.
ITEMS = {"headlines": {"tagger": 2000, "encoder": 1000, "pipeline": 100}}
ITEMS["articles"] = {"tagger": 200, "encoder": 100, "pipeline": 12}


def texts() -> dict[str, list[str]]:
    """Headlines, and articles of about 300 words."""
    if NEWS.is_file():
        import pandas as pd

        table = pd.read_parquet(NEWS, columns=["title", "text"]).dropna()
        titles, bodies = table["title"].tolist(), table["text"].tolist()
    else:
        from corpus.sample.archive import load_archive

        found = load_archive().articles
        titles, bodies = [one.title for one in found], [one.body for one in found]
    long = [" ".join(body.split()[:300]) for body in bodies if len(body.split()) >= 250]
    return {"headlines": titles, "articles": long or bodies}


def tagger() -> Callable[[Sequence[str]], object]:
    """Undertow's tagger, with evidence, amounts and entities."""
    from nlp import Tagger
    from nlp.records import Item

    loaded = Tagger.load()
    return lambda some: loaded.tag(
        [Item(id=str(number), title=None, text=text) for number, text in enumerate(some)]
    )


def encoder() -> Callable[[Sequence[str]], object]:
    """all-MiniLM-L6-v2 through sentence-transformers."""
    from sentence_transformers import SentenceTransformer

    from nlp.training.base import encoder_directory

    loaded = SentenceTransformer(str(encoder_directory()), device="cpu")
    return lambda some: loaded.encode(list(some), show_progress_bar=False)


def bert_pipeline() -> Callable[[Sequence[str]], object]:
    """A text-classification pipeline of BERT-base's shape."""
    import transformers

    kinds: Any = transformers  # its classes are not typed
    tokenizer = kinds.PreTrainedTokenizerFast(
        tokenizer_file=str(ROOT / "models/undertow-drivers/tokenizer.json"),
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        unk_token="[UNK]",
        mask_token="[MASK]",
        model_max_length=512,
    )
    model = kinds.BertForSequenceClassification(kinds.BertConfig()).eval()
    loaded = kinds.pipeline("text-classification", model=model, tokenizer=tokenizer)
    return lambda some: loaded(list(some), truncation=True)


def main() -> None:
    """Measure, print a table, keep the result."""
    runs = {"tagger": tagger(), "encoder": encoder(), "pipeline": bert_pipeline()}
    before = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    found: dict[str, dict[str, float]] = {}
    for kind, all_texts in texts().items():
        rates: dict[str, list[float]] = {name: [] for name in runs}
        for number in range(ROUNDS + 1):
            for name, run in runs.items():
                # New texts each round, so that nothing is answered from a cache.
                count = ITEMS[kind][name]
                some = list(islice(all_texts, number * count, (number + 1) * count))
                some = some or all_texts[:count]
                began = time.perf_counter()
                run(some)
                if number:
                    rates[name].append(len(some) / (time.perf_counter() - began))
        for name, rate in rates.items():
            found[f"{kind} {name}"] = {
                "items_per_second": round(median(rate), 2),
                "slowest": round(min(rate), 2),
                "fastest": round(max(rate), 2),
                "times_pipeline": round(median(rate) / median(rates["pipeline"]), 1),
            }
    processors = len(os.sched_getaffinity(0))
    click.echo(f"{processors} processors, {ROUNDS} rounds after one of warm-up")
    for name, one in found.items():
        last = before.get(name, {}).get("times_pipeline")
        click.echo(
            f"{name:20s} {one['items_per_second']:9.1f} items a second"
            f" ({one['slowest']:.1f} to {one['fastest']:.1f}),"
            f" {one['times_pipeline']:5.1f} x pipeline" + (f" (last {last})" if last else "")
        )
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
