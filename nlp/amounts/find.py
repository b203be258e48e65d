"""From a title and a text to the amounts that they state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from nlp.amounts.assets import ALL, asset_of, fund_asset_of
from nlp.amounts.context import Context, words_of
from nlp.amounts.gates import flow_sign_of
from nlp.amounts.kinds import Reading, read_figures
from nlp.amounts.periods import Period, find_periods, nearest_period
from nlp.amounts.quantities import BARE, COIN, Quantity, find_quantities
from nlp.amounts.sentences import Sentence, read_sentence
from nlp.readable import readable
from nlp.records import Amount, AmountKind, FieldName
from nlp.sentences import sentence_spans

# A title is one sentence; what is longer is no title.
LONGEST_TITLE = 600

DRIVERS: dict[AmountKind, str] = {
    "net_flow": "etf_flows",
    "buy": "treasury",
    "sell": "treasury",
    "hold": "treasury",
    "raise": "treasury",
    "liquidation": "leverage",
    "open_interest": "leverage",
    "rate": "macro",
}


def find_amounts(
    title: str | None, text: str | None, published_at: datetime | None
) -> tuple[Amount, ...]:
    """Amounts stated by the title and the text, in order of place (title first).

    ``published_at`` (aware UTC) resolves words like "on Thursday"; without it such periods are
    null. The same figure of the same kind, told twice, is given once: where it is told as fact and
    with its period, else where it stands first. Never raises, whatever the strings hold.
    """
    fields: list[tuple[FieldName, str]] = []
    if title:
        fields.append(("title", title))
    if text:
        fields.append(("text", text))
    found: list[Amount] = []
    title_words: frozenset[str] = frozenset()
    asset: str | None = None
    for field, written in fields:
        content = readable(written)
        quantities = find_quantities(content)
        if not quantities and field == "text":
            continue
        whole = field == "title" and len(content) <= LONGEST_TITLE
        spans = [(0, len(content))] if whole else sentence_spans(content)
        before: frozenset[str] = frozenset()
        flow_sign = 0
        periods: list[Period] = []
        for start, end, inside in _by_sentence(spans, quantities):
            sentence = read_sentence(content, start, end, inside)
            words = words_of(sentence)
            context = Context(title_words, before, flow_sign, asset)
            readings = read_figures(sentence, context) if inside else []
            if readings and published_at:
                periods = find_periods(content, start, end, published_at.date())
            for reading in readings:
                period = (
                    nearest_period(periods, reading.quantity, content) if published_at else None
                )
                found.append(
                    _amount(field, content, sentence, reading, period=period, context=context)
                )
            asset = fund_asset_of(sentence) or asset
            flow_sign = next(
                (sign for word in sentence.words if (sign := flow_sign_of(word.lower))), flow_sign
            )
            before = words
            if field == "title":
                title_words = words
    return _once(found)


def _by_sentence(
    spans: Sequence[tuple[int, int]], quantities: Sequence[Quantity]
) -> Iterator[tuple[int, int, list[Quantity]]]:
    position = 0
    for start, end in spans:
        inside = []
        while position < len(quantities) and quantities[position].start < end:
            if quantities[position].start >= start and quantities[position].end <= end:
                inside.append(quantities[position])
            position += 1
        yield start, end, inside


def _amount(
    field: FieldName,
    content: str,
    sentence: Sentence,
    reading: Reading,
    *,
    period: str | None,
    context: Context,
) -> Amount:
    quantity = reading.quantity
    asset = asset_of(sentence, reading.index, reading.kind, quantity.unit, context)
    return Amount(
        kind=reading.kind,
        driver=DRIVERS[reading.kind],
        value=reading.sign * quantity.value,
        unit=(_coin(asset) or "BTC") if quantity.unit in (COIN, BARE) else quantity.unit,
        side=reading.side,
        period=period,
        asset=asset,
        realised=reading.realised,
        field=field,
        start=quantity.start,
        end=quantity.end,
        text=content[quantity.start : quantity.end],
    )


def _coin(asset: str | None) -> str | None:
    return asset if asset != ALL else None


def _tells_more(amount: Amount) -> tuple[bool, bool]:
    return amount.realised, amount.period is not None


def _once(found: Sequence[Amount]) -> tuple[Amount, ...]:
    best: dict[tuple[str, float, str], Amount] = {}
    for amount in found:
        key = (amount.kind, amount.value, amount.unit)
        kept = best.get(key)
        if kept is None or _tells_more(amount) > _tells_more(kept):
            best[key] = amount
    order = {"title": 0, "text": 1}
    return tuple(sorted(best.values(), key=lambda one: (order[one.field], one.start)))
