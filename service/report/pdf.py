"""The report as PDF: the HTML report with its rules for print, set by WeasyPrint."""

from __future__ import annotations

import logging
from typing import Any

from corpus.errors import UndertowError


def page_to_pdf(page: str) -> bytes:
    """The HTML report as an A4 document: tagged, with outline and links; nothing is fetched.

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
    made: bytes = HTML(string=page, url_fetcher=_refused).write_pdf(pdf_tags=True)
    return made


def _refused(url: str, **_: Any) -> Any:
    raise ValueError(f"a report needs nothing from elsewhere, so {url} is not fetched")
