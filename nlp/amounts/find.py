"""From a title and a text to the amounts that they state."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from nlp.amounts.assets import ALL, asset_of
from nlp.amounts.context import Context
from nlp.amounts.kinds import Reading, read_figures
from nlp.amounts.periods import Period, find_periods, nearest_period
from nlp.amounts.quantities import BARE, COIN, find_quantities
from nlp.amounts.scope import flow_scope, tells_of_products
from nlp.amounts.sentences import Sentences
from nlp.readable import readable
from nlp.records import Amount, AmountKind, FieldName, FlowScope
from nlp.sentences import sentence_spans

# A title is one sentence; what is longer is no title.
LONGEST_TITLE = 600
# Such links tell other days than the story that they stand in.
_TEASER = re.compile(
    r"\b(?:Related|You might also like|Read more|Read also|Also read|See also): [^.!?\n]*$"
)
_TEASER_REACH = 200

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
    title_sentences: Sentences | None = None
    products = tells_of_products(title, text)
    for field, written in fields:
        content = readable(written)
        quantities = find_quantities(content)
        if not quantities and field == "text":
            continue
        whole = field == "title" and len(content) <= LONGEST_TITLE
        spans = [(0, len(content))] if whole else sentence_spans(content)
        sentences = Sentences(content, spans, quantities)
        if field == "title":
            title_sentences = sentences
        for number, start, end in sentences.with_figures():
            sentence = sentences[number]
            if not sentence.cues:
                continue
            context = Context(title_sentences, sentences, number)
            readings = read_figures(sentence, context)
            periods: list[Period] = []
            if readings and published_at:
                periods = find_periods(content, start, end, published_at.date())
            for reading in readings:
                period = nearest_period(periods, reading.quantity, content)
                scope = None
                if reading.kind == "net_flow":
                    scope = flow_scope(
                        sentences, number, reading.index, period=period, products=products
                    )
                asset = asset_of(
                    sentence, reading.index, reading.kind, reading.quantity.unit, context
                )
                found.append(
                    _amount(field, content, reading, period=period, scope=scope, asset=asset)
                )
    return _once(found)


def _amount(
    field: FieldName,
    content: str,
    reading: Reading,
    *,
    period: str | None,
    scope: FlowScope | None,
    asset: str | None,
) -> Amount:
    quantity = reading.quantity
    return Amount(
        kind=reading.kind,
        driver=DRIVERS[reading.kind],
        value=reading.sign * quantity.value,
        unit=(_coin(asset) or "BTC") if quantity.unit in (COIN, BARE) else quantity.unit,
        side=reading.side,
        period=period,
        asset=asset,
        realised=reading.realised,
        scope=scope,
        teaser=field == "text" and _is_teaser(content, quantity.start),
        field=field,
        start=quantity.start,
        end=quantity.end,
        text=content[quantity.start : quantity.end],
    )


def _is_teaser(content: str, start: int) -> bool:
    return _TEASER.search(content[max(0, start - _TEASER_REACH) : start]) is not None


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
