"""Tokens put together from remembered pieces are those of the whole."""

from __future__ import annotations

from nlp.encoding import TextEncoder
from nlp.manifest import TOKENIZER_FILE
from nlp.tagger import SHIPPED

ODD = (
    "Funds lost $1.2B.  “Too early,” she said... Then (at 4 p.m. in the U.S.) it rose 3%!",
    " It fell,  they said.\tNobody sold :) e.g. not us.",
    "Don't sell.\nCan’t buy? Won't\u00a0hold.",
    "No stop at all",
    "x" * 70 + ". Next",
    "Ends with a space. ",
    "A naïve ﬁrm of İzmir, 株式会社 in 東京。 Next [SEP] is no marker\u0301. #1",
    "one\x1ctwo\u200bthree\u2028four",
)


def test_tokens_of_pieces_are_those_of_the_whole(own_items, own_article):
    encoder = TextEncoder(SHIPPED / TOKENIZER_FILE)
    pairs = [(one.title, one.text) for one in [*own_items, own_article]]
    pairs += [(one, other) for one in (None, *ODD) for other in (None, *ODD)]
    for pair, whole in zip(pairs, encoder.encode(pairs), strict=True):
        tokens = encoder.tokens(*pair)
        assert (tokens.ids, tokens.type_ids) == (whole.ids, whole.type_ids)
        told = [
            (-1, -1) if part is None or start == end else (part, start)
            for (start, end), part in zip(whole.offsets, whole.sequence_ids, strict=True)
        ]
        assert list(zip(*(one.tolist() for one in tokens.places), strict=True)) == told
        assert encoder.fits(*pair) == (not whole.overflowing)
