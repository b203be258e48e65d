"""Fit the scorer of rewritten reports anew from ``../shared``: run this file with Python.

Writes ``corpus/story_words.toml`` (how rare words are in all news of ``../shared/news``) and
``corpus/same_event.toml`` (weights fitted on the judged pairs of ``../shared/annotation``), and
says how well stories of the whole month come out for pairs that the weights have not seen: the days
of the pairs are cut into folds, and for each fold the month is grouped with weights fitted on the
other folds, and with rarities of news from before that month.
"""

from __future__ import annotations

import json
import math
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
FOLDS = 5
MONTH = datetime(2025, 6, 1, tzinfo=UTC)
LEAST_DOCUMENTS = 20  # a rarer word counts as this rare
RANDOM_PAIRS, RANDOM_WEIGHT = 600, 0.15  # pairs drawn at random
STRENGTH = 0.3  # of the evidence against the prior that weights are small (scikit-learn's C)


def main() -> None:
    """Measure, then write both files."""
    import pandas as pd

    from corpus import same_event

    news = pd.concat(
        [pd.read_parquet(path) for path in sorted((SHARED / "news").glob("*.parquet"))]
    )
    news["published_at"] = pd.to_datetime(news["published_at"], utc=True, format="mixed")
    pairs = read_pairs()
    month = with_pairs(news[news["published_at"] >= MONTH], pairs)

    use_words(same_event, count_words(news[news["published_at"] < MONTH]))
    measure(pairs, month)

    words = count_words(news)
    use_words(same_event, words)
    write_words(ROOT / "corpus" / "story_words.toml", words)
    weights, constant = fit(*training_rows(pairs, month))
    write_scorer(ROOT / "corpus" / "same_event.toml", weights, constant, len(pairs))


def with_pairs(month, pairs: Sequence[dict]):
    """The month's news, and those articles of the pairs that are not among it."""
    import pandas as pd

    known = set(month["url"])
    items = [pair[side] for pair in pairs for side in "ab" if pair[side]["url"] not in known]
    lacking = pd.DataFrame(items)
    lacking["published_at"] = pd.to_datetime(lacking["published_at"], utc=True, format="mixed")
    return pd.concat([month, lacking])


def read_pairs() -> list[dict]:
    lines = (SHARED / "annotation" / "pairs-dev.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def count_words(news) -> tuple[dict[str, float], float]:
    """Rarity of each term that enough articles have, and that of the others."""
    from corpus.same_event import OPENING_WORDS, terms_of

    counts: Counter[str] = Counter()
    for title, given in zip(news["title"], news["text"], strict=True):
        text = given if isinstance(given, str) else ""
        opening = " ".join(text[: OPENING_WORDS * 12].split()[:OPENING_WORDS])
        counts.update({*terms_of(title), *terms_of(opening)})
    rarest = math.log(len(news) / LEAST_DOCUMENTS)
    known = {
        term: round(math.log(len(news) / count), 1)
        for term, count in counts.items()
        if count > LEAST_DOCUMENTS
    }
    return known, round(rarest, 1)


def use_words(module, words: tuple[dict[str, float], float]) -> None:
    module.rarities = lambda: words


def training_rows(pairs: Sequence[dict], month) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, answers and weights: the judged pairs, and those of :func:`unlike_pairs`."""
    from corpus.same_event import features, report_of

    def report(item: dict):
        return report_of(item["title"], item["text"])

    rows = [
        features(
            report(pair["a"]),
            report(pair["b"]),
            moment(pair["a"]) - moment(pair["b"]),
            same_outlet=pair["a"]["source"] == pair["b"]["source"],
        )
        for pair in pairs
    ]
    answers = [is_one_story(pair) for pair in pairs]
    for a, b in unlike_pairs(month):
        rows.append(features(a.report, b.report, a.time - b.time, same_outlet=a.source == b.source))
        answers.append(False)
    weights = np.r_[np.ones(len(pairs)), np.full(RANDOM_PAIRS, RANDOM_WEIGHT)]
    return np.array(rows), np.array(answers), weights


class Drawn(NamedTuple):
    report: Any
    time: datetime
    source: str


def unlike_pairs(month) -> list[tuple[Drawn, Drawn]]:
    """Pairs of the month drawn at random, which report one event all but never."""
    from corpus.same_event import report_of

    articles = [
        Drawn(report_of(title, text if isinstance(text, str) else None), time, source)
        for title, text, time, source in zip(
            month["title"], month["text"], month["published_at"], month["source"], strict=True
        )
    ]
    drawn, found = random.Random(1), []
    while len(found) < RANDOM_PAIRS:
        a, b = drawn.sample(articles, 2)
        if abs(a.time - b.time) < timedelta(hours=72):
            found.append((a, b))
    return found


def is_one_story(pair: dict) -> bool:
    return pair["label"] in {"copy", "same"}


def moment(item: dict) -> datetime:
    return datetime.fromisoformat(item["published_at"])


def fit(rows: np.ndarray, answers: np.ndarray, row_weights: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights and constant for features as they are (fitted on standardised ones)."""
    from sklearn.linear_model import LogisticRegression

    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    model = LogisticRegression(C=STRENGTH, max_iter=1000)
    model.fit((rows - mean) / spread, answers, sample_weight=row_weights)
    weights = model.coef_[0] / spread
    return weights, float(model.intercept_[0] - weights @ mean)


def folds(pairs: Sequence[dict]) -> list[np.ndarray]:
    """Pairs by day, those that share an article on one day, days dealt to folds at random."""
    parent: dict[str, str] = {}

    def root(url: str) -> str:
        while parent.setdefault(url, url) != url:
            url = parent[url]
        return url

    for pair in pairs:
        parent[root(pair["a"]["url"])] = root(pair["b"]["url"])
    roots = [root(pair["a"]["url"]) for pair in pairs]
    first: dict[str, datetime] = {}
    for pair, one in zip(pairs, roots, strict=True):
        first[one] = min(first.get(one, moment(pair["a"])), moment(pair["a"]), moment(pair["b"]))
    days = sorted({first[one].date() for one in roots})
    random.Random(2).shuffle(days)
    fold_of = {day: place % FOLDS for place, day in enumerate(days)}
    fold = np.array([fold_of[first[one].date()] for one in roots])
    return [np.flatnonzero(fold == number) for number in range(FOLDS)]


def measure(pairs: Sequence[dict], month) -> None:
    """Group the month for each fold, and say precision and recall over all folds."""
    from corpus import same_event

    rows, answers, row_weights = training_rows(pairs, month)
    told = np.zeros(len(pairs), dtype=bool)
    for held_out in folds(pairs):
        kept = np.setdiff1d(np.arange(len(rows)), held_out)
        weights, constant = fit(rows[kept], answers[kept], row_weights[kept])
        scorer = same_event.Scorer(tuple(map(float, weights)), constant)
        same_event.shipped_scorer = lambda scorer=scorer: scorer
        story_of, _ = group(month)
        for place in held_out:
            told[place] = in_one_story(pairs[place], story_of)
    say(pairs, told, "unseen days")


def group(month, shuffled: bool = False) -> tuple[Callable[[str], str | None], list[int]]:
    """Group the month's news in a store of its own; story by URL, and the sizes of stories."""
    from corpus.errors import InputError
    from corpus.identity import article_id, canonical_url
    from corpus.records import FoundArticle
    from corpus.store import Store

    found = [
        FoundArticle(
            url=row["url"],
            title=row["title"],
            text=row["text"] if isinstance(row["text"], str) else None,
            source=row["source"],
            published_at=row["published_at"].to_pydatetime().astimezone(UTC),
        )
        for row in month.sort_values("published_at").to_dict("records")
    ]
    if shuffled:
        random.Random(3).shuffle(found)
    with (
        tempfile.TemporaryDirectory() as folder,
        Store.open(f"sqlite:///{folder}/month.db") as store,
    ):
        store.add(found, seen_at=datetime(2025, 7, 1, tzinfo=UTC))
        stories = {one.id: one.story_id for one in store.articles()}
        assert store.check() == ()

    def story_of(url: str) -> str | None:
        try:
            return stories.get(article_id(canonical_url(url)))
        except InputError:
            return None

    return story_of, sorted(Counter(stories.values()).values(), reverse=True)


def in_one_story(pair: dict, story_of: Callable[[str], str | None]) -> bool:
    stories = [story_of(pair[side]["url"]) for side in "ab"]
    return stories[0] is not None and stories[0] == stories[1]


def say(pairs: Sequence[dict], told: np.ndarray, words: str) -> tuple[float, float]:
    right = np.array([is_one_story(pair) for pair in pairs])
    copies = np.array([pair["label"] == "copy" for pair in pairs])
    precision, recall = (told & right).sum() / told.sum(), (told & right).sum() / right.sum()
    sys.stdout.write(
        f"{words}: precision {precision:.3f}, recall {recall:.3f}, copies"
        f" {(told & copies).sum()} of {copies.sum()}; wrong:"
        f" {' '.join(pairs[place]['id'] for place in np.flatnonzero(told & ~right))}\n"
    )
    sys.stdout.flush()
    return float(precision), float(recall)


def write_words(path: Path, words: tuple[dict[str, float], float]) -> None:
    known, rarest = words
    by_rarity: dict[float, list[str]] = {}
    for term, value in known.items():
        by_rarity.setdefault(value, []).append(term)
    lines = [
        "# Words of crypto news by how rare they are: the natural log of one in how many articles",
        "# has the word, in title or opening. Made by tests/store/refit_stories.py.",
        f"rarest = {rarest}  # of a word that is not listed",
        "",
        "[words]",
    ]
    for value in sorted(by_rarity):
        lines.append(f'"{value}" = """')
        line = ""
        for term in sorted(by_rarity[value]):
            if len(line) + len(term) > 98:
                lines.append(line)
                line = ""
            line = f"{line} {term}" if line else term
        lines += [line, '"""']
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_scorer(path: Path, weights: np.ndarray, constant: float, pairs: int) -> None:
    from corpus.same_event import FEATURES

    lines = [
        "# Log-odds that two articles report the same event: constant + sum of weight x feature",
        f"# (corpus/same_event.py). A logistic regression over {pairs} judged pairs of June 2025",
        f"# and {RANDOM_PAIRS} pairs drawn at random (weight {RANDOM_WEIGHT} each),",
        f"# C = {STRENGTH} on standardised features. Made by tests/store/refit_stories.py.",
        f"constant = {constant:.3f}",
        "",
        "[weights]",
        *(f"{name} = {weight:.3f}" for name, weight in zip(FEATURES, weights, strict=True)),
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
