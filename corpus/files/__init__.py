"""Files of rows in and out: JSONL, CSV and Parquet, told apart by suffix.

Reading streams with constant memory and goes on after a broken row; writing is atomic.
"""

from __future__ import annotations

from corpus.files.articles import read_articles
from corpus.files.rows import (
    Row,
    RowProblem,
    column_names,
    expand,
    read_rows,
    require_columns,
    rows,
)
from corpus.files.writers import RowWriter, open_writer

__all__ = [
    "Row",
    "RowProblem",
    "RowWriter",
    "column_names",
    "expand",
    "open_writer",
    "read_articles",
    "read_rows",
    "require_columns",
    "rows",
]
