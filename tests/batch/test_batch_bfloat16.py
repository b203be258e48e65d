"""What `--device cuda` does, tried on the CPU: products in bfloat16 give the same drivers."""

from __future__ import annotations

import pytest
from batch_news import HEADLINES

pytest.importorskip("torch", reason="the train extra is not installed")


def test_products_in_bfloat16_agree_with_the_graph(tagger):
    from nlp.backends import TorchBackend
    from nlp.encoding import TextEncoder
    from nlp.lexical import load_lexical_head
    from nlp.manifest import LEXICAL_FILE, TOKENIZER_FILE, read_manifest
    from nlp.records import Item
    from nlp.tagger import SHIPPED, Tagger

    manifest = read_manifest(SHIPPED)
    rough = Tagger(
        manifest,
        TorchBackend(SHIPPED, manifest, bfloat16=True),
        TextEncoder(SHIPPED / TOKENIZER_FILE, max_tokens=manifest.max_tokens),
        load_lexical_head(SHIPPED / LEXICAL_FILE),
    )
    items = [Item(id=str(number), title=title) for number, title in enumerate(HEADLINES)]
    exact, found = tagger.tag(items), rough.tag(items)
    differences = [
        abs(one.probabilities[name] - other.probabilities[name])
        for one, other in zip(exact, found, strict=True)
        for name in one.probabilities
    ]
    # It is another arithmetic (some digit differs), and no other reading.
    assert 0 < max(differences) < 0.1
    for one, other in zip(exact, found, strict=True):
        assert [tag.driver for tag in one.drivers] == [tag.driver for tag in other.drivers]
        assert one.relevant == other.relevant
