"""Amounts in the news: what they are worth, what they mean, when they fell due.

:func:`find_amounts` is the whole interface; ``docs/amounts.md`` is its grammar.
"""

from __future__ import annotations

from nlp.amounts.find import find_amounts

__all__ = ["find_amounts"]
