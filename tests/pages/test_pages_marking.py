"""Evidence and amounts marked in a text, whatever they overlap."""

from __future__ import annotations

from nlp.records import Amount, DriverTag, Span, TagRecord
from service.pages.marking import marked

TEXT = "Funds lost $870 million. Longs fell."


def record(*, spans=(), amounts=()):
    return TagRecord(
        id="1",
        model="m@1",
        language="en",
        relevant=True,
        sentiment=None,
        drivers=tuple(
            DriverTag(
                driver=driver,
                probability=1,
                stance="bearish",
                stance_score=-1,
                evidence=(Span(field="text", start=start, end=end, text=TEXT[start:end]),),
            )
            for driver, start, end in spans
        ),
        uncertain=(),
        probabilities={},
        amounts=tuple(
            Amount(
                kind="net_flow",
                driver="etf_flows",
                value=-1,
                unit="USD",
                side=None,
                period=None,
                realised=True,
                field="text",
                start=start,
                end=end,
                text=TEXT[start:end],
            )
            for start, end in amounts
        ),
        entities=(),
    )


def told(segments):
    return [(one.text, one.drivers, one.amount) for one in segments]


def test_overlapping_evidence_and_amounts():
    made = record(spans=[("etf_flows", 0, 24), ("leverage", 6, 36)], amounts=[(11, 23)])
    segments = marked(TEXT, made, "text")
    assert told(segments) == [
        ("Funds ", ("etf_flows",), False),
        ("lost ", ("etf_flows", "leverage"), False),
        ("$870 million", ("etf_flows", "leverage"), True),
        (".", ("etf_flows", "leverage"), False),
        (" Longs fell.", ("leverage",), False),
    ]
    assert "".join(one.text for one in segments) == TEXT


def test_another_field_no_record_and_no_text():
    made = record(spans=[("etf_flows", 0, 24)])
    assert told(marked(TEXT, made, "title")) == [(TEXT, (), False)]
    assert told(marked(TEXT, None, "text")) == [(TEXT, (), False)]
    assert marked("", made, "text") == ()
    assert marked("", None, "text") == ()


def test_spans_beyond_the_text_do_not_break_it():
    assert told(marked("Funds", record(spans=[("etf_flows", 0, 24)]), "text")) == [
        ("Funds", ("etf_flows",), False)
    ]
