"""The report as PDF: the HTML report with its rules for print, set by WeasyPrint."""

from __future__ import annotations

import logging
from typing import Any

from corpus.errors import UndertowError


def page_to_pdf(page: str) -> bytes:
    """The HTML report as an A4 document: tagged, with outline and links; nothing is fetched.

    The same page gives the same bytes.

    Raises :class:`UndertowError` when the system lacks the Pango library, which sets the text.
    """
    try:
        from weasyprint import HTML  # noqa: PLC0415 - slow to import
    except OSError as error:
        raise UndertowError(
            "a PDF cannot be set: the Pango library is not installed",
            remedy="on Debian: apt-get install libpangoft2-1.0-0 libharfbuzz-subset0;"
            " or choose --format html",
        ) from error
    # It warns of rules that only screens need.
    logging.getLogger("weasyprint").setLevel(logging.CRITICAL)
    made: bytes = HTML(string=page, url_fetcher=_refused).write_pdf(
        pdf_tags=True, finisher=_number_headers
    )
    return made


def _number_headers(_: Any, pdf: Any) -> None:
    """Name the headers of tables by their place in the document.

    WeasyPrint names them by where they lay in memory, so that no two files would be the same.
    """
    marks = [one for one in pdf.objects if isinstance(one, dict)]
    headers = [one["ID"] for one in marks if one.get("S") == "/TH"]
    places = {header.string: str(place) for place, header in enumerate(headers, start=1)}
    cells = [one["A"] for one in marks if one.get("S") == "/TD" and "A" in one]
    for name in [*headers, *(name for cell in cells for name in cell["Headers"])]:
        name.string = places.get(name.string, name.string)


def _refused(url: str, **_: Any) -> Any:
    raise ValueError(f"a report needs nothing from elsewhere, so {url} is not fetched")
