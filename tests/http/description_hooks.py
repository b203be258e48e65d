"""What schemathesis sends to the stream: lines of items, right and wrong, and other bytes."""

from __future__ import annotations

import json

import schemathesis
from hypothesis import strategies as st

_text = st.text(max_size=40)
_items = st.fixed_dictionaries(
    {"title": _text}, optional={"id": _text, "text": _text, "published_at": _text, "other": _text}
)
_lines = st.one_of(_items.map(lambda item: json.dumps(item).encode()), st.binary(max_size=40))
_bodies = st.lists(_lines, max_size=6).map(b"\n".join)


@schemathesis.hook("flatmap_body").apply_to(path="/v1/tag/stream")
def lines_of_items(context: schemathesis.HookContext, body: object) -> st.SearchStrategy[object]:
    """The description calls the body a string: send lines as well as any string."""
    return st.one_of(st.just(body), _bodies)


@schemathesis.serializer("application/x-ndjson")
def as_it_is(context: schemathesis.SerializationContext, value: object) -> bytes:
    """Lines as they are, and of anything else its one line."""
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else json.dumps(value)).encode()
