"""Amounts in the news: what they are worth, what they mean, and when.

:func:`find_amounts` finds them, and tells a total of all funds from the flow of one, and a day from
a week or a sum since launch. ``docs/amounts.md`` is the grammar.
"""

from __future__ import annotations

from nlp.amounts.find import find_amounts
from nlp.amounts.scope import is_believable

__all__ = ["find_amounts", "is_believable"]
