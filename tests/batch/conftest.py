"""The model loaded once, and the command line in a folder of its own."""

from __future__ import annotations

import os

import pytest

# Children are forked from a process that has used the tokenizer.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


@pytest.fixture(scope="session")
def tagger():
    from nlp.tagger import Tagger

    return Tagger.load(threads=1)


@pytest.fixture
def run(monkeypatch, tmp_path, capfd):
    """Run the command line in this process and in an empty folder; code, stdout, stderr."""
    from service.cli.program import run as run_line

    for name in ("DB", "MODEL", "DRIVERS", "THREADS"):
        monkeypatch.delenv(f"UNDERTOW_{name}", raising=False)
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        capfd.readouterr()
        code = run_line([str(one) for one in arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return call


@pytest.fixture
def refused(run):
    """Run the command line and check that it fails in one clear line; gives code and line."""

    def call(*arguments):
        code, _, err = run(*arguments)
        lines = err.splitlines()
        assert len(lines) == 1, err
        assert lines[0].startswith("undertow: ")
        assert "bug in Undertow" not in lines[0]
        return code, lines[0]

    return call
