"""What the news means: text in; tags, facts, index and price study out.

In a notebook::

    from nlp import Item, Tagger

    Tagger.load().tag([Item(id="1", title="Spot bitcoin ETFs lose $410 million in a day")])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nlp.records import Item, TagFailure, TagRecord
    from nlp.tagger import Tagger

__all__ = ["Item", "TagFailure", "TagRecord", "Tagger"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that `import nlp` costs nothing."""
    if name == "Tagger":
        from nlp.tagger import Tagger  # noqa: PLC0415 - loads ONNX Runtime's neighbours

        return Tagger
    if name in __all__:
        from nlp import records  # noqa: PLC0415 - as above

        return getattr(records, name)
    raise AttributeError(f"module 'nlp' has no attribute {name!r}")
