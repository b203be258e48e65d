"""What an item says around a sentence, as far as it bears on the meaning of a figure."""

from __future__ import annotations

from dataclasses import dataclass

from nlp.amounts.sentences import Sentence
from nlp.amounts.vocabulary import FALL_WORDS, FUND_CONTEXT


@dataclass(frozen=True)
class Context:
    """Words of the title and of the sentence before; flow direction and asset told last."""

    title: frozenset[str]
    before: frozenset[str]
    flow_sign: int = 0
    asset: str | None = None

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


def words_of(sentence: Sentence) -> frozenset[str]:
    """Distinct lower-case words of a sentence."""
    return frozenset(word.lower for word in sentence.words)
