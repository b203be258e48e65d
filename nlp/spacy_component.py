"""A spaCy component: ``pipeline.add_pipe("undertow")`` tags each document.

It sets ``doc._.undertow`` (the tag record, null for a text that cannot be tagged),
``doc._.drivers`` (driver to stance) and the span group ``doc.spans["undertow"]``, whose spans are
the evidence, labelled with the driver.
"""

from __future__ import annotations

from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from nlp.records import Item, TagRecord
from nlp.tagger import Tagger

NAME = "undertow"


class DriverComponent:
    """Tags documents by the model in ``model`` (a directory; empty for the shipped one)."""

    def __init__(self, model: str) -> None:
        self._tagger = Tagger.load(Path(model) if model else None)
        for extension in (NAME, "drivers"):
            if not Doc.has_extension(extension):
                Doc.set_extension(extension, default=None)

    def __call__(self, doc: Doc) -> Doc:
        """Tag one document as a passage: its text, without a title."""
        record = self._tagger.tag([Item(id="doc", text=doc.text)])[0]
        tagged = record if isinstance(record, TagRecord) else None
        drivers = tagged.drivers if tagged else ()
        doc._.set(NAME, tagged)
        doc._.set("drivers", {tag.driver: tag.stance for tag in drivers})
        spans = [
            doc.char_span(span.start, span.end, label=tag.driver, alignment_mode="expand")
            for tag in drivers
            for span in tag.evidence
        ]
        doc.spans[NAME] = [span for span in spans if span is not None]
        return doc


@Language.factory(NAME, default_config={"model": ""})
def create(nlp: Language, name: str, model: str) -> DriverComponent:
    """Make the component; spaCy calls this."""
    return DriverComponent(model)
