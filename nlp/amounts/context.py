"""What an item says around a sentence, as far as it bears on the meaning of a figure."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from nlp.amounts.sentences import Sentence, Sentences, Told
from nlp.amounts.vocabulary import FALL_WORDS, FUND_CONTEXT, flow_sign_of

_NONE: frozenset[str] = frozenset()


class Context:
    """What stands before sentence ``number`` of ``field``: the title, and sentences of the field.

    ``title`` is ``field`` itself while that is read. Nothing is read before it is asked for.
    """

    def __init__(self, title: Sentences | None, field: Sentences, number: int) -> None:
        self._title = title
        self._field = field
        self._number = number

    @cached_property
    def title(self) -> frozenset[str]:
        """Words of the title, as far as it stands before."""
        if self._title is self._field:
            return self.before
        return self._title[len(self._title) - 1].distinct if self._title else _NONE

    @cached_property
    def before(self) -> frozenset[str]:
        """Words of the sentence before, in the same field."""
        return self._field[self._number - 1].distinct if self._number else _NONE

    @cached_property
    def flow_sign(self) -> int:
        """Direction of a flow told last in the same field, 0 without any."""
        return self._field.told_before(self._number, _first_flow_sign) or 0

    def told_before(self, told_in: Callable[[Sentence], Told | None]) -> Told | None:
        """What ``told_in`` finds in the nearest sentence before this one, then in the title."""
        told = self._field.told_before(self._number, told_in)
        if told is None and self._title is not None and self._title is not self._field:
            return self._title.told_before(len(self._title), told_in)
        return told

    @property
    def around(self) -> frozenset[str]:
        """Words of the title and of the sentence before."""
        return self.title | self.before

    @property
    def tells_of_funds(self) -> bool:
        """Whether the title or the sentence before speaks of crypto funds."""
        return not self.around.isdisjoint(FUND_CONTEXT)

    @property
    def tells_of_fall(self) -> bool:
        """Whether the title speaks of a falling price."""
        return not self.title.isdisjoint(FALL_WORDS | {"below"})


def _first_flow_sign(sentence: Sentence) -> int | None:
    return next((sign for word in sentence.words if (sign := flow_sign_of(word.lower))), None)
