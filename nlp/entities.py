"""Assets and institutions named in an item, by the gazetteer, through spaCy's phrase matchers.

Names and tickers come from ``nlp/gazetteer.toml``. Words that are both a name and a common word
("Strategy", "Treasury", "LINK", "NEAR") count only where what stands beside them settles it; the
rules are in ``docs/amounts.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from nlp.entities_gazetteer import Entry, entries
from nlp.readable import readable, word_set
from nlp.records import Entity, FieldName

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.matcher import PhraseMatcher
    from spacy.tokens import Doc, Span

# Longer fields are read in pieces, cut at white space, so that memory stays flat.
PIECE = 50_000

# Words that, before or after "Strategy", make it the company.
_STRATEGY_BEFORE = frozenset({"saylor", "michael", "formerly", "mstr", "microstrategy", "("})
_STRATEGY_VERBS = word_set(
    "buys bought acquires acquired adds added holds held purchased purchases sells sold"
    " raises raised plans announced announces said says reported reports disclosed owns"
    " stock shares ceo founder co-founder chairman executive inc to has now expands launches"
    " unveils stacks scoops snaps boosts increases could files will completes prices upsizes"
    " faces posts recently currently yields boasts formerly remains makes"
)
_STRATEGY_CONTEXT = frozenset(
    {"saylor", "saylor's", "saylor’s", "microstrategy", "mstr", "strk", "strf", "strd"}
)
_TREASURY_BEFORE = frozenset({"us", "u.s.", "u.s", "federal", "american", "america's", "america’s"})
_TREASURY_AFTER = word_set(
    "department secretary sec. yields yield bonds bond bills bill notes note market"
    " official officials sanctions auction auctions dept"
)
_FED_AFTER = word_set(
    "chair chairman rate rates cut cuts hike hikes funds meeting minutes officials official"
    " governor pivot decision policy 's up"
)


def find_entities(title: str | None, text: str | None) -> tuple[Entity, ...]:
    """Entities of the title and the text, in order of place (title first), never overlapping.

    Never raises, whatever the strings hold.
    """
    fields: list[tuple[FieldName, str]] = []
    if title:
        fields.append(("title", title))
    if text:
        fields.append(("text", text))
    ruler = _ruler()
    documents = [
        (field, offset, ruler.pipeline.make_doc(piece))
        for field, content in fields
        for offset, piece in _pieces(readable(content))
    ]
    found = [(*document, ruler.named_in(document[2])) for document in documents]
    if not any(spans for *_, spans in found):
        return ()
    told = {(span.id_, span.label_) for *_, spans in found for span in spans}
    # Only names that are a common word too need the words of the whole item.
    words = frozenset(
        token.lower_
        for _, _, document in (documents if any(label == "word" for _, label in told) else ())
        for token in document
        if token.is_alpha
    )
    return tuple(
        Entity(
            id=span.id_,
            type=_by_id()[span.id_].type,
            field=field,
            start=offset + span.start_char,
            end=offset + span.end_char,
        )
        for field, offset, document, spans in found
        for span in spans
        if _meant(document, span, told, words)
    )


def _pieces(content: str) -> Iterator[tuple[int, str]]:
    start = 0
    while start < len(content):
        end = min(len(content), start + PIECE)
        if end < len(content):
            space = content.rfind(" ", start + 1, end)
            end = space if space > start else end
        yield start, content[start:end]
        start = end


@cache
def _by_id() -> dict[str, Entry]:
    return {entry.id: entry for entry in entries()}


@dataclass(frozen=True)
class _Ruler:
    """Finds the gazetteer's names: a trie over words as written, and one over small letters."""

    pipeline: Language
    exact: PhraseMatcher
    folded: PhraseMatcher
    meanings: dict[int, tuple[str, str]]  # label and id, by the key of a match

    def named_in(self, document: Doc) -> list[Span]:
        """Spans in order of place; the longer name wins, then the earlier one."""
        from spacy.tokens import Span  # noqa: PLC0415 - slow to import

        matches = {*self.exact(document), *self.folded(document)}
        taken: set[int] = set()
        spans = []
        for key, start, end in sorted(matches, key=lambda one: (one[1] - one[2], one[1], one[0])):
            if start not in taken and end - 1 not in taken:
                label, identity = self.meanings[key]
                spans.append(Span(document, start, end, label=label, span_id=identity))
                taken.update(range(start, end))
        return sorted(spans, key=lambda span: span.start)


@cache
def _ruler() -> _Ruler:
    import spacy  # noqa: PLC0415 - slow to import
    from spacy.matcher import PhraseMatcher  # noqa: PLC0415 - as above

    pipeline = spacy.blank("en")
    pipeline.max_length = PIECE * 2
    ruler = _Ruler(
        pipeline,
        PhraseMatcher(pipeline.vocab, attr="ORTH"),
        PhraseMatcher(pipeline.vocab, attr="LOWER"),
        {},
    )
    for label, entry, exact, written in _patterns():
        key = f"{label}||{entry.id}"
        matcher = ruler.exact if exact else ruler.folded
        matcher.add(key, [pipeline.make_doc(written)])
        ruler.meanings[pipeline.vocab.strings[key]] = (label, entry.id)
    return ruler


def _patterns() -> Iterator[tuple[str, Entry, bool, str]]:
    """Label (written how: name, ticker or word), entry, whether case counts, and the text."""
    for entry in entries():
        for name in entry.names:
            yield "name", entry, entry.exact, name
        for ticker in entry.tickers:
            yield "ticker", entry, True, ticker
        if entry.ambiguous_name:
            for written in (entry.ambiguous_name, entry.ambiguous_name.upper()):
                yield "word", entry, True, written


def _meant(  # noqa: PLR0911 - one clue a line
    document: Doc, span: Span, told: set[tuple[str, str]], words: frozenset[str]
) -> bool:
    entry = _by_id()[span.id_]
    if span.label_ != "word" and not entry.common:
        return True
    before = [token.lower_ for token in document[max(0, span.start - 2) : span.start]]
    after = [token.lower_ for token in document[span.end : span.end + 2]]
    if span.label_ == "word":
        return _is_ambiguous_name_meant(entry, span, before, after, words)
    if before[-1:] == ["$"]:
        return True
    if span.text.islower():
        return False
    other = "ticker" if span.label_ == "name" else "name"
    if (entry.id, other) in told:
        return True
    if span.label_ == "name" and " " in span.text:
        return True
    return not set(entry.clues).isdisjoint([*before[-1:], *after[:1]])


def _is_ambiguous_name_meant(
    entry: Entry, span: Span, before: Sequence[str], after: Sequence[str], words: frozenset[str]
) -> bool:
    nearest = before[-1] if before else ""
    following = after[0] if after else ""
    if entry.id == "strategy":
        if not set(before).isdisjoint(_STRATEGY_BEFORE):
            return True
        opens = span.start == 0 or nearest in (
            '"',
            "“",
            ":",
            ".",
            "!",
            "?",
            "as",
            "while",
            "and",
            ",",
        )
        acts = following in _STRATEGY_VERBS or following in ("'s", "’s")
        return (opens and acts) or (acts and not words.isdisjoint(_STRATEGY_CONTEXT))
    if entry.id == "us_treasury":
        return nearest in _TREASURY_BEFORE or following in _TREASURY_AFTER
    if entry.id == "federal_reserve":
        return span.text == "Fed" or following in _FED_AFTER
    # Ripple: a name where it is capitalised and no "ripple effect".
    return following not in ("effect", "effects", "through")
