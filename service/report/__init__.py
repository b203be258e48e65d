"""The weekly report: one frozen record built from the store, and its renderings.

``build_report`` makes the record, ``render`` turns it into HTML, Markdown or JSON, ``encoded`` into
the bytes of a file, PDF too.
"""

from __future__ import annotations

from service.report.build import build_report
from service.report.records import WeeklyReport
from service.report.render import FORMATS, ReportFormat, encoded, render

__all__ = ["FORMATS", "ReportFormat", "WeeklyReport", "build_report", "encoded", "render"]
