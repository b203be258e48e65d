"""Whether two articles report the same concrete event in words of their own.

A logistic regression over eight features (:data:`FEATURES`), fitted on judged pairs; its weights
are in ``same_event.toml``. Words count by how rare they are in crypto news (Sparck Jones 1972:
``log(documents / documents with the word)``), by the table of ``story_words.toml``.
``tests/store/refit_stories.py`` makes both files anew and says how well they do on news that they
have not seen.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from corpus.figures import figures_in, unmatched_figures

_FOLDER = Path(__file__).parent
OPENING_WORDS = 128
_FIGURE_WORDS = 60  # of the opening; figures further down are background
_LONGEST_WORD = 12  # characters on average; bounds the characters that are looked at
_TITLE_KEYS, _OPENING_KEYS = 5, 7
_LEAST_TITLE_KEY, _LEAST_OPENING_KEY = 3.5, 4.0  # rarity of a word that may find candidates
_LONGEST_GAP = timedelta(hours=72)
_LEAST_SHARED, _SAYS_SOMETHING = 3, 2.5  # fewer shared words of this rarity are no event
_SHORTEST = 12  # words of an opening; judged pairs have few shorter ones
_NAMED = 4  # shared words that a reason names

_WORD = re.compile(r"[^\W_]+(?:[.,'][^\W_]+)*")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_EMPTY_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
    a about after all amid an and any are as at be been but by can could did do does for from
    had has have he her here his how if in into is it its may more new not now of on or our out
    over said say says she than that the their them then there these they this to up was we were
    what when which while who why will with would you your
    """,
    )
)
_TICKERS = {
    "ada": "cardano",
    "bnb": "binancecoin",
    "btc": "bitcoin",
    "doge": "dogecoin",
    "eth": "ethereum",
    "ether": "ethereum",
    "sol": "solana",
}

FEATURES = (
    "log_hours",  # log(1 + hours between the two publications)
    "title_rarity",  # mean rarity of the two rarest words that both titles have
    "same_outlet_days",  # days between the two when they are of one outlet, else 0
    "shared_rarity",  # mean rarity of the three rarest words that both have
    "title_coverage",  # share of a title, by rarity, that the other article has; the lesser one
    "log_length",  # log(1 + words of the shorter opening, 12 at least)
    "own_names",  # 1 when each title names somebody whom the other article does not know
    "own_figures",  # 1 when each title states a figure that the other article does not have
)


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """What is compared of an article: its terms (content words, bent to one form) and figures.

    Each term is there once. Tuples, a fifth of the size of sets, of terms that all reports share:
    thousands are kept.
    """

    title: tuple[str, ...]
    terms: tuple[str, ...]  # of title and opening
    title_rarity: float  # sum over the title
    opening_length: int
    title_names: tuple[str, ...]  # terms of the title that its opening has as names
    title_figures: tuple[str, ...]
    figures: tuple[str, ...]  # of title and opening
    keys: tuple[str, ...]  # the terms that find candidates


class Scorer(NamedTuple):
    """Weights of :data:`FEATURES` and the constant; together they give log-odds."""

    weights: tuple[float, ...]
    constant: float


def report_of(title: str, text: str | None) -> Report:
    """The :class:`Report` of a title and a text."""
    opening = " ".join((text or "")[: OPENING_WORDS * _LONGEST_WORD].split()[:OPENING_WORDS])
    title_terms = tuple(dict.fromkeys(terms_of(title)))
    opening_terms = terms_of(opening)
    terms = tuple(dict.fromkeys((*title_terms, *opening_terms)))
    names = _names(opening)
    title_figures = figures_in(title)
    figures = figures_in(" ".join(opening[: _FIGURE_WORDS * 10].split()[:_FIGURE_WORDS]))
    return Report(
        title=title_terms,
        terms=terms,
        title_rarity=math.fsum(map(rarity, title_terms)),
        opening_length=len(opening_terms),
        title_names=tuple(term for term in title_terms if term in names),
        title_figures=title_figures,
        figures=tuple(dict.fromkeys((*title_figures, *figures))),
        keys=(
            *_rarest(title_terms, _TITLE_KEYS, _LEAST_TITLE_KEY),
            *_rarest(terms[len(title_terms) :], _OPENING_KEYS, _LEAST_OPENING_KEY),
        ),
    )


def features(a: Report, b: Report, gap: timedelta, *, same_outlet: bool) -> tuple[float, ...]:
    """The values of :data:`FEATURES` for two articles published ``gap`` apart, of either sign."""
    return _features(a, b, _shared(a, b), gap, same_outlet)


def log_odds(a: Report, b: Report, gap: timedelta, *, same_outlet: bool) -> float:
    """Log-odds that the two report the same event; see :func:`features`."""
    shared = _shared(a, b)
    if len([value for value in shared.values() if value >= _SAYS_SOMETHING]) < _LEAST_SHARED:
        return -math.inf
    scorer = shipped_scorer()
    values = _features(a, b, shared, gap, same_outlet)
    return scorer.constant + sum(map(float.__mul__, scorer.weights, values))


def _shared(a: Report, b: Report) -> dict[str, float]:
    """The terms that both have, with their rarity."""
    known, rarest = rarities()
    return {term: known.get(term, rarest) for term in _terms(a).intersection(b.terms)}


@lru_cache(maxsize=16)  # a new article is compared with many, one after the other
def _terms(report: Report) -> frozenset[str]:
    return frozenset(report.terms)


def _features(
    a: Report, b: Report, shared: Mapping[str, float], gap: timedelta, same_outlet: bool
) -> tuple[float, ...]:
    hours = min(abs(gap), _LONGEST_GAP) / timedelta(hours=1)
    both_titles = sorted(
        (shared[term] for term in a.title if term in shared and term in b.title), reverse=True
    )
    own_names = _lacks_one(shared, a.title_names) and _lacks_one(shared, b.title_names)
    own_figures = unmatched_figures(a.title_figures, b.figures) and unmatched_figures(
        b.title_figures, a.figures
    )
    return (
        math.log1p(hours),
        sum(both_titles[:2]) / 2,
        hours / 24 if same_outlet else 0.0,
        sum(sorted(shared.values(), reverse=True)[:3]) / 3,
        min(_coverage(a, shared), _coverage(b, shared)),
        math.log1p(max(min(a.opening_length, b.opening_length), _SHORTEST)),
        float(own_names),
        float(bool(own_figures)),
    )


def reason(a: Report, b: Report, gap: timedelta) -> str:
    """In words, what the two have in common."""
    shared = _shared(a, b)
    named = sorted(shared, key=lambda term: (-shared[term], term))[:_NAMED]
    hours = abs(gap) / timedelta(hours=1)
    return f"same event: both have {', '.join(named) or 'no rare word'}; {hours:.1f} h apart"


def rarity(term: str) -> float:
    """How rare a term is in crypto news: the natural log of one in how many articles has it."""
    known, rarest = rarities()
    return known.get(term, rarest)


@cache
def shipped_scorer() -> Scorer:
    """The fitted weights."""
    told = tomllib.loads((_FOLDER / "same_event.toml").read_text(encoding="utf-8"))
    return Scorer(tuple(float(told["weights"][name]) for name in FEATURES), told["constant"])


@cache
def rarities() -> tuple[Mapping[str, float], float]:
    """Rarity by term, and that of a term which is not in the table."""
    told = tomllib.loads((_FOLDER / "story_words.toml").read_text(encoding="utf-8"))
    known = {term: float(value) for value, line in told["words"].items() for term in line.split()}
    return known, float(told["rarest"])


def terms_of(text: str) -> list[str]:
    """The terms of a text in order: its content words, bent to one form."""
    words = (word.replace(",", "") for word in _WORD.findall(text.replace("’", "'").lower()))
    return [_one_form(word) for word in words if word not in _EMPTY_WORDS]


@lru_cache(maxsize=4_096)  # the words of news come again and again
def _one_form(word: str) -> str:
    """A word without its ending, so that "buys" and "buying" are one; a ticker as its coin."""
    word = _TICKERS.get(word, word).removesuffix("'s").replace("'", "")
    if not word.isalpha() or len(word) <= 4:
        return word
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            word = word.removesuffix(ending)
            break
    return word.removesuffix("e") if len(word) > 4 else word


def _names(opening: str) -> frozenset[str]:
    """Terms written with a capital letter or digit inside a sentence."""
    found: set[str] = set()
    for sentence in _SENTENCE_END.split(opening.replace("’", "'")):
        found.update(
            _one_form(word.lower().replace(",", ""))
            for word in _WORD.findall(sentence)[1:]
            if word[0].isupper()
        )
    return frozenset(found)


def _rarest(terms: Iterable[str], count: int, least: float) -> list[str]:
    rated = [(rarity(term), term) for term in terms]
    chosen = sorted((one for one in rated if one[0] >= least), key=lambda one: -one[0])
    return [term for _, term in chosen[:count]]


def _lacks_one(shared: Mapping[str, float], names: Iterable[str]) -> bool:
    return any(name not in shared for name in names)


def _coverage(one: Report, shared: Mapping[str, float]) -> float:
    """Share of a title, by rarity, that the other article has."""
    if not one.title_rarity:
        return 0.0
    return math.fsum(shared[term] for term in one.title if term in shared) / one.title_rarity
