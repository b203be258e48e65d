"""The PDF: the numbers of the record, one file, links only to the articles."""

from __future__ import annotations

import io
import re

import pytest
from made_up_news import WEEK, WEEK_START, build_report, fill, prices, usual_news
from pypdf import PdfReader

from corpus.store import Store
from service.report import encoded, render
from service.report.words import amount_words, band, percent, price, signed

HOSTILE = (
    "<script>alert(1)</script> & <img src=http://evil.example/x.png onerror=alert(1)>",
    '"><svg onload=alert(1)><a href="javascript:alert(1)">x</a>',
    "<link rel=stylesheet href=http://evil.example/x.css><style>@import 'http://evil.example'",
    "{{ 7 * 7 }} =cmd|' /C calc'!A0 [x](javascript:alert(1))",
    "right\u202eot left \u200b zero \x1b[31mred",
)


def squeezed(text):
    """Without white space: lines break where the page does."""
    return re.sub(r"\s+", "", text)


@pytest.fixture(scope="module")
def report(store):
    return build_report(store, week=WEEK)


@pytest.fixture(scope="module")
def document(report):
    return encoded(report, "pdf")


@pytest.fixture(scope="module")
def text(document):
    return squeezed(
        "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(document)).pages)
    )


def test_the_pdf_holds_the_numbers_of_the_record(report, text):
    readings = [*(row.reading for row in report.drivers), report.composite]
    shown = [one for one in report.study.cells if one.horizon == 1 and one.target == "return"]
    told = [signed(one.pressure) for one in readings]
    told += [band(one.lower, one.upper) for one in readings]
    told += [signed(row.reading.change) for row in report.drivers if row.core]
    told += [price(one.close, one.currency) for one in report.prices]
    told += [percent(one.change) for one in report.prices]
    told += [story.title for row in report.drivers if row.core for story in row.stories]
    told += [
        amount_words(story.amount)
        for row in report.drivers
        if row.core
        for story in row.stories
        if story.amount
    ]
    told += [state.sentence for state in report.watch]
    told += [signed(cell.correlation, 2) for cell in shown]
    told += [report.headline, report.method.vintage, report.method.model, report.study.lead]
    missing = [one for one in told if squeezed(one) not in text]
    assert missing == []
    assert len(told) > 60


def test_every_number_of_the_page_is_in_the_pdf(report, text):
    page = re.sub(r"<(style|svg)\b.*?</\1>", "", render(report, "html"), flags=re.S)
    shown = re.sub(r"<[^>]+>", " ", page)
    numbers = set(re.findall(r"[−+]\d[\d.,]*\d", shown))
    assert len(numbers) > 40
    assert [one for one in numbers if one not in text] == []


def test_the_pdf_is_small_tagged_titled_and_prints_on_a4(report, document):
    reader = PdfReader(io.BytesIO(document))
    assert len(document) < 1_000_000
    assert reader.metadata.title == f"Undertow weekly, {report.week}"
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert reader.trailer["/Root"]["/Lang"] == "en"
    for page in reader.pages:
        assert (round(page.mediabox.width), round(page.mediabox.height)) == (595, 842)
    assert "What to watch" in [one.title for one in _flat(reader.outline)]


def test_the_same_report_gives_the_same_bytes(report, document):
    assert encoded(report, "pdf") == document


def test_hostile_titles_reach_the_pdf_as_text_alone(news, tmp_path):
    items = [
        news.make(
            70_000 + number,
            WEEK_START.replace(hour=number % 24),
            title=HOSTILE[number % len(HOSTILE)],
            source=HOSTILE[number % len(HOSTILE)][:60],
            probabilities={"macro": 0.99},
            stances={"macro": -1.0},
            amounts=[news.amount("sell", -1e6 * (number + 1))],
        )
        for number in range(len(HOSTILE))
    ]
    with Store.open(f"sqlite:///{tmp_path / 'x.db'}") as store:
        fill(store, [*usual_news(), *items])
        store.put_prices(prices())
        made = encoded(build_report(store, week=WEEK, with_study=False), "pdf")
    reader = PdfReader(io.BytesIO(made))
    shown = squeezed("".join(page.extract_text() for page in reader.pages))
    assert "<script>alert(1)</script>" in shown
    for forbidden in (b"/JavaScript", b"/JS ", b"/Launch", b"/EmbeddedFile", b"/OpenAction"):
        assert forbidden not in made
    for page in reader.pages:
        assert not list(page.images), "nothing was loaded as a picture"
        for one in page.get("/Annots", ()):
            action = one.get_object().get("/A")
            if action is not None:
                assert action["/S"] == "/URI"
                assert action["/URI"].startswith("https://news.example/")


def _flat(outline):
    for one in outline:
        if isinstance(one, list):
            yield from _flat(one)
        else:
            yield one
