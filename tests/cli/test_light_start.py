"""What a command loads before it does its work."""

from __future__ import annotations

import subprocess
import sys

import pytest

_TAG = """
import sys
from service.cli import main
sys.argv = ["undertow", "tag", sys.argv[1], "-o", sys.argv[2]]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
assert "spacy" in sys.modules
print(*{"torch", "scipy", "pandas", "sklearn"} & set(sys.modules))
import torch, spacy, thinc.compat
assert torch.ones(1).sum() == 1
"""


def test_tagging_loads_no_library_that_it_does_not_use(tmp_path):
    pytest.importorskip("torch", reason="what is not installed is not loaded")
    news = tmp_path / "news.jsonl"
    news.write_text('{"id": "1", "title": "Bitcoin funds lost $3 million on Monday"}\n')
    done = subprocess.run(
        [sys.executable, "-c", _TAG, str(news), str(tmp_path / "tags.jsonl")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == ""


def test_a_library_user_keeps_torch_in_spacy():
    """Only our own program leaves it out: a notebook may have pipelines that need it."""
    pytest.importorskip("torch", reason="there is nothing to keep")
    code = (
        "from nlp import Item, Tagger\nTagger.load().tag([Item(id='1', title='Bitcoin fell 3%')])\n"
        "import thinc.compat\nassert thinc.compat.has_torch"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
