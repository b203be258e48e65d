"""Many items are tagged in lanes beside each other: the records are those of one after another."""

from __future__ import annotations

from nlp.records import Item
from nlp.tagger import LANE_ITEMS, Tagger


def test_records_of_lanes_are_those_of_items_alone(tagger):
    items = [
        Item(id=str(number), title=title, text=None if number % 3 else f"It was day {number}.")
        for number, title in enumerate(
            [
                "Spot bitcoin ETFs lose $410 million in a day",
                "",
                "Hackers drain 30 million dollars from a bridge",
                "Der Kurs steigt, und niemand weiß so recht, warum das so ist",
                "Fed holds rates and hints at a cut in September",
            ]
            * (LANE_ITEMS // 4)
        )
    ]
    assert len(items) > LANE_ITEMS
    together = Tagger.load(threads=2).tag(items)
    alone = {}
    for item in items[:15]:
        alone[item.title, item.text is None] = tagger.tag([item])[0]
    for item, record in zip(items, together, strict=True):
        assert record.id == item.id
        if item.title and item.text is None:
            expected = alone[item.title, True].model_copy(update={"id": item.id})
            assert record == expected
