"""Notebook import, and the spaCy component found by its entry point."""

from __future__ import annotations

import subprocess
import sys

import spacy

TEXT = "Spot bitcoin ETFs lost $410 million on Monday. The harbour was calm."


def test_two_names_are_all_a_notebook_needs(tagger):
    from nlp import Item, Tagger

    record = Tagger.load().tag([Item(id="1", text=TEXT)])[0]
    assert record == tagger.tag([Item(id="1", text=TEXT)])[0]


def test_importing_the_room_is_light():
    code = (
        "import nlp, sys; heavy = {'numpy', 'onnxruntime', 'spacy', 'torch'} & set(sys.modules);"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_spacy_component(tagger):
    pipeline = spacy.blank("en")
    pipeline.add_pipe("undertow")
    doc = pipeline(TEXT)
    record = tagger.tag([_item()])[0]
    assert doc._.drivers == {tag.driver: tag.stance for tag in record.drivers}
    assert doc._.drivers["etf_flows"] == "bearish"
    labels = {span.label_: span.text for span in doc.spans["undertow"]}
    assert "$410 million" in labels["etf_flows"]


def test_spacy_component_on_an_untaggable_text():
    pipeline = spacy.blank("en")
    pipeline.add_pipe("undertow")
    doc = pipeline("...")
    assert doc._.undertow is None
    assert doc._.drivers == {}


def _item():
    from nlp import Item

    return Item(id="doc", text=TEXT)
