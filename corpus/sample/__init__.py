"""A small site of invented outlets that tells a true quarter, to run the whole chain on.

The outlets and every sentence are written for this project; the figures are public facts of
September to December 2025. ``serve_sample`` serves the site on loopback as feeds and pages,
``sample_sources`` names its feeds to the crawler, and ``sample_prices_path`` is the price file of
the same span. ``python -m corpus.sample`` serves it until Ctrl-C.
"""

from __future__ import annotations

from corpus.sample.archive import Archive, Outlet, SampleArticle, load_archive, sample_prices_path
from corpus.sample.site import PREFERRED_PORT, sample_sources, serve_sample

__all__ = [
    "PREFERRED_PORT",
    "Archive",
    "Outlet",
    "SampleArticle",
    "load_archive",
    "sample_prices_path",
    "sample_sources",
    "serve_sample",
]
