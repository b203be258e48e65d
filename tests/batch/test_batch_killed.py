"""A run that is killed, interrupted or poisoned loses nothing that it had finished."""

from __future__ import annotations

import json

import pytest
from batch_news import news, write_jsonl
from kill_often import kill_and_resume

POISON = "this headline cannot be read"


def test_killed_at_some_moments_it_resumes_to_the_same_bytes(tagger, tmp_path):
    source = write_jsonl(tmp_path / "news.jsonl", news(16))
    assert kill_and_resume(tagger, source, tmp_path, [0.0, 0.2, 0.5, 0.8]) >= 1


class Poisoned:
    """A tagger that fails, as by a bug, on one item."""

    def __init__(self, tagger):
        self.identity = tagger.identity
        self._tagger = tagger

    def tag(self, items):
        if any(item.title == POISON for item in items):
            raise RuntimeError("no such thing")
        return self._tagger.tag(items)


def test_a_poisoned_row_costs_neither_its_neighbours_nor_the_job(tagger, tmp_path):
    from service.batch import prepare, tag_files

    rows = [*news(3), {"id": "bad", "title": POISON}, *news(2, first=3)]
    source = write_jsonl(tmp_path / "news.jsonl", rows)
    without = write_jsonl(tmp_path / "good.jsonl", news(5))
    told = []
    for path, made_by in ((source, Poisoned(tagger)), (without, tagger)):
        counts = tag_files(
            prepare([path], path.with_suffix(".out.jsonl")),
            made_by,
            on_problem=told.append,
            on_progress=lambda _: None,
        )
        assert counts.rows == len(path.read_text().splitlines())
    lines = (tmp_path / "news.out.jsonl").read_text().splitlines()
    failure = json.loads(lines.pop(3))
    assert failure["id"] == "bad"
    assert "cannot be tagged: RuntimeError: no such thing" in failure["error"]
    assert [one.line for one in told] == [4]
    assert lines == (tmp_path / "good.out.jsonl").read_text().splitlines()


def test_a_broken_row_takes_no_other_rows_id(tagger, tmp_path):
    from service.batch import prepare, tag_files

    source = tmp_path / "news.jsonl"
    source.write_text('{"id": "2", "title": "Bitcoin"}\n{"id": \n{"title": "Ether"}\n')
    tag_files(
        prepare([source], tmp_path / "tags.jsonl"),
        tagger,
        on_problem=lambda _: None,
        on_progress=lambda _: None,
    )
    ids = [json.loads(line)["id"] for line in (tmp_path / "tags.jsonl").read_text().splitlines()]
    assert ids == ["2", "news.jsonl:2", "3"]


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_resume_and_overwrite_together_are_refused(refused, tmp_path, engine):
    source = write_jsonl(tmp_path / "news.jsonl", news(1))
    code, line = refused(
        "tag", source, "-o", "tags.jsonl", "--resume", "--overwrite", "--engine", engine
    )
    assert code == 2
    assert "--resume and --overwrite" in line
