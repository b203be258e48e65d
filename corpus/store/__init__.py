"""The store of articles, tags and prices; SQLite by default, PostgreSQL by URL."""

from __future__ import annotations

from corpus.store.store import DEFAULT_URL, Store

__all__ = ["DEFAULT_URL", "Store"]
