"""What commands do to stores that are not there, to outputs that are, and to files among others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    "call",
    [
        ("db", "check"),
        ("db", "version"),
        ("export", "-o", "out.jsonl"),
        ("index",),
        ("report", "--week", "2025-W47"),
        ("series", "--kind", "net_flow"),
        ("sources",),
        ("story", "0" * 20),
        ("tag",),
        ("watch",),
    ],
)
def test_reading_makes_no_store(undertow, one_line, call):
    outcome = undertow(*call, "--db", "sqlite:///mistyped.db")
    assert outcome.code == 1
    line = one_line(outcome)
    assert "there is no store at sqlite:///mistyped.db" in line
    assert "undertow import" in line
    assert not Path("mistyped.db").exists()


def test_an_empty_database_is_no_store_to_read(undertow, one_line):
    Path("empty.db").touch()
    assert "no store" in one_line(undertow("db", "check", "--db", "sqlite:///empty.db"))
    assert Path("empty.db").read_bytes() == b""


def test_an_export_replaces_nothing_unasked(undertow, one_line, store_url):
    output = Path("articles.jsonl")
    output.write_text("mine")
    outcome = undertow("export", "-o", output, "--db", store_url)
    assert outcome.code == 1
    assert "--overwrite" in one_line(outcome)
    assert output.read_text() == "mine"
    assert undertow("export", "-o", output, "--db", store_url, "--overwrite").code == 0
    assert json.loads(output.read_text().splitlines()[0])["story_id"]


def test_index_and_report_replace_nothing_unasked(undertow, one_line, store_url):
    for call in (
        ("index", "-o", "out.csv"),
        ("report", "--week", "2025-W40", "-o", "out.html"),
    ):
        output = Path(call[-1])
        output.write_text("mine")
        outcome = undertow(*call, "--db", store_url)
        assert outcome.code == 1
        assert "--overwrite" in one_line(outcome)
        assert output.read_text() == "mine"


def test_one_unreadable_file_keeps_no_other_from_being_taken(undertow, write_rows):
    good = write_rows(Path("good.jsonl"), [{"title": "A title", "source": "Wire"}])
    Path("bad.parquet").write_bytes(b"PAR1 and no more")
    later = write_rows(Path("later.jsonl"), [{"title": "Another title", "source": "Wire"}])
    outcome = undertow(
        "import", good, "missing.jsonl", "bad.parquet", later, "--db", "sqlite:///own.db", "--json"
    )
    assert outcome.code == 3
    assert outcome.data()["new"] == 2
    assert outcome.data()["unreadable_files"] == 2
    assert "missing.jsonl" in outcome.err
    assert "bad.parquet" in outcome.err


def test_no_readable_file_is_a_failure_that_makes_no_store(undertow):
    outcome = undertow("import", "missing.jsonl", "gone.jsonl", "--db", "sqlite:///own.db")
    assert outcome.code == 1
    assert not Path("own.db").exists()


def test_a_jsonl_file_without_the_needed_columns_is_refused_at_once(undertow, one_line, write_rows):
    rows = write_rows(Path("rows.jsonl"), [{"headline": f"Number {n}"} for n in range(500)])
    outcome = undertow("import", rows, "--db", "sqlite:///own.db")
    assert outcome.code == 1
    line = one_line(outcome)
    assert "'title' or 'text'" in line
    assert "headline" in line


def test_a_damaged_page_is_told_on_one_line(undertow, write_rows):
    rows = write_rows(
        Path("rows.jsonl"), [{"title": f"Title {n}", "text": f"{n} word " * 300} for n in range(99)]
    )
    assert undertow("import", rows, "--db", "sqlite:///own.db").code == 0
    path = Path("own.db")
    content = bytearray(path.read_bytes())
    content[40 * 4096 : 44 * 4096] = b"\xff" * (4 * 4096)
    path.write_bytes(content)
    outcome = undertow("db", "check", "--db", "sqlite:///own.db")
    assert outcome.code == 1
    told = (outcome.out + outcome.err).splitlines()
    assert any("fault: the file:" in line or "damaged" in line for line in told)
    assert all(
        line.startswith(("sqlite:", "fault: ", "undertow: ")) or "fault" in line for line in told
    )
