"""The tagger against yardsticks, on the same items in the same run.

``python -m tests.bench_tagging`` prints the rates and their ratios.

(a) transformers' ``pipeline`` with a classifier of BERT-base's shape (random weights, which does
for speed), called as its documentation does; (b) the encoder that the tagger starts from, through
sentence-transformers; (c) the machine's int8 peak (``tests/bench_peak.py``), of which the tagger's
useful operations are a share. Rounds alternate, the first is thrown away, medians and the spread
count. ``titles`` are titles alone, ``headlines`` titles with the opening of the text, about 47
tokens, ``articles`` the first 300 words; of real news where it lies beside the repository, else of
the bundled sample. Kinds can be named: ``python -m tests.bench_tagging headlines``. Results go to
``bench-results/tagging.json`` and are compared with those of the last run.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from statistics import mean, median
from typing import Any

import click

from nlp.backends import BackendName
from nlp.taxonomy import drivers
from tests.bench_peak import operations, peak, processors

ROOT = Path(__file__).parents[1]
NEWS = ROOT.parent / "shared" / "news" / "news-2025-H1.parquet"
RESULT = ROOT / "bench-results" / "tagging.json"
ROUNDS = 3
DRIVERS = len(drivers())
# The slow yardstick takes fewer items: rates are compared, not totals.
ITEMS = {
    "titles": {"tagger": 2000, "encoder": 1000, "pipeline": 100},
    "headlines": {"tagger": 1024, "encoder": 512, "pipeline": 60},
    "articles": {"tagger": 200, "encoder": 100, "pipeline": 12},
}
OPENING_WORDS = 22  # which makes 47 tokens with a title, in the mean
Piece = tuple[str | None, str]


def texts() -> dict[str, list[Piece]]:
    """Title and text of the items of each kind."""
    if NEWS.is_file():
        import pandas as pd

        table = pd.read_parquet(NEWS, columns=["title", "text"]).dropna()
        pieces = list(zip(table["title"], table["text"], strict=True))
    else:
        from corpus.sample.archive import load_archive

        pieces = [(one.title, one.body) for one in load_archive().articles]
    bodies = [text.split() for _, text in pieces]
    long: list[Piece] = [(None, " ".join(words[:300])) for words in bodies if len(words) >= 250]
    return {
        "titles": [(None, title) for title, _ in pieces],
        "headlines": [
            (title, " ".join(words[:OPENING_WORDS]))
            for (title, _), words in zip(pieces, bodies, strict=True)
        ],
        "articles": long or pieces,
    }


def tagger(backend: BackendName = "onnx") -> Callable[[Sequence[Piece]], object]:
    """Undertow's tagger, with evidence, amounts and entities."""
    from nlp import Tagger
    from nlp.records import Item

    loaded = Tagger.load(backend=backend)
    return lambda some: loaded.tag(
        [Item(id=str(number), title=title, text=text) for number, (title, text) in enumerate(some)]
    )


def encoder() -> Callable[[Sequence[Piece]], object]:
    """all-MiniLM-L6-v2 through sentence-transformers."""
    from sentence_transformers import SentenceTransformer

    from nlp.training.base import encoder_directory

    loaded = SentenceTransformer(str(encoder_directory()), device="cpu")
    return lambda some: loaded.encode(_joined(some), show_progress_bar=False)


def bert_pipeline() -> Callable[[Sequence[Piece]], object]:
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
    return lambda some: loaded(_joined(some), truncation=True)


def _joined(some: Sequence[Piece]) -> list[str]:
    return [f"{title}. {text}" if title else text for title, text in some]


def token_lengths(some: Sequence[Piece]) -> list[int]:
    """Tokens of each item, markers included, as far as the tagger reads in one window."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(ROOT / "models/undertow-drivers/tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return [len(one.ids) for one in tokenizer.encode_batch(_joined(some))]


def processor_name() -> str:
    """The processor, as the kernel calls it, and whether it has int8 instructions."""
    try:
        told = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.processor()
    name = next(
        (line.partition(":")[2].strip() for line in told.splitlines() if "model name" in line), ""
    )
    return f"{name}{', VNNI' if 'vnni' in told else ''}"


def main(*kinds: str) -> None:
    """Measure, print a table, keep the result."""
    runs = {"tagger": tagger(), "encoder": encoder(), "pipeline": bert_pipeline()}
    if find_spec("openvino"):
        runs["tagger openvino"] = tagger("openvino")
    before = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    found: dict[str, dict[str, float]] = {}
    top = peak()
    for kind, all_texts in texts().items():
        if kinds and kind not in kinds:
            continue
        rates: dict[str, list[float]] = {name: [] for name in runs}
        for number in range(ROUNDS + 1):
            for name, run in runs.items():
                # New texts each round, so that nothing is answered from a cache.
                count = ITEMS[kind][name.split()[0]]
                some = list(islice(all_texts, number * count, (number + 1) * count))
                some = some or all_texts[:count]
                began = time.perf_counter()
                run(some)
                if number:
                    rates[name].append(len(some) / (time.perf_counter() - began))
        top = max(top, peak())
        lengths = token_lengths(all_texts[: ITEMS[kind]["tagger"] * (ROUNDS + 1)])
        needed = operations(lengths, drivers=DRIVERS) / len(lengths)
        for name, rate in rates.items():
            found[f"{kind} {name}"] = {
                "items_per_second": round(median(rate), 2),
                "slowest": round(min(rate), 2),
                "fastest": round(max(rate), 2),
                "times_pipeline": round(median(rate) / median(rates["pipeline"]), 1),
                "tokens": round(mean(lengths), 1),
            }
            if name.startswith("tagger"):
                share = median(rate) * needed / top
                found[f"{kind} {name}"]["share_of_peak"] = round(share, 3)
        found[f"{kind} at peak"] = {
            "items_per_second": round(top / needed, 2),
            "times_pipeline": round(top / needed / median(rates["pipeline"]), 1),
        }
    click.echo(
        f"{processor_name()}, {processors()} processors, load {os.getloadavg()[0]:.1f},"
        f" int8 peak {top / 1e9:,.0f} GOP/s; {ROUNDS} rounds after one of warm-up"
    )
    for name, one in found.items():
        click.echo(_line(name, one, before.get(name, {}).get("times_pipeline")))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(before | found, indent=1) + "\n")


def _line(name: str, one: dict[str, float], last: float | None) -> str:
    words = f"{name:26s} {one['items_per_second']:9.1f} items a second"
    if "slowest" in one:
        words += f" ({one['slowest']:.1f} to {one['fastest']:.1f}), {one['tokens']:.0f} tokens"
    words += f", {one['times_pipeline']:5.1f} x pipeline" + (f" (last {last})" if last else "")
    if "share_of_peak" in one:
        words += f", {one['share_of_peak']:.0%} of the int8 peak"
    return words


if __name__ == "__main__":
    main(*sys.argv[1:])
