"""Rows of files: each kind read, each broken row told, the rest kept."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.errors import InputError, UsageError
from corpus.files import (
    Row,
    RowProblem,
    column_names,
    expand,
    read_rows,
    require_columns,
    rows,
)


def told(path: Path) -> tuple[list[dict], list[tuple[int, str]]]:
    """The good rows' values, and line and reason of the broken ones."""
    problems: list[RowProblem] = []
    good = [row.values for row in read_rows(path, on_problem=problems.append)]
    assert all(problem.path == str(path) for problem in problems)
    return good, [(problem.line, problem.reason) for problem in problems]


def test_broken_json_lines_are_told_with_their_line_and_the_rest_is_read(write):
    path = write(
        "in.jsonl",
        b'\xef\xbb\xbf{"title": "one"}\n'
        b'{"title": "two"\n'
        b"\n"
        b"[1, 2]\n"
        b'{"title": "b\xff"}\n'
        b'{"title": "\\ud800"}\n'
        b'{"value": NaN}\n'
        b"7\n"
        b'{"title": "last"}',
    )
    good, problems = told(path)
    assert good == [{"title": "one"}, {"value": None}, {"title": "last"}]
    assert [line for line, _ in problems] == [2, 4, 5, 6, 8]
    assert problems[1][1] == "not a JSON object but a list"
    assert problems[4][1] == "not a JSON object but a number"
    assert all("not valid JSON" in problems[i][1] for i in (0, 2, 3))


def test_rows_count_the_broken_ones_so_that_outputs_stay_one_to_one(write):
    path = write("in.jsonl", '{"a": 1}\noops\n\n{"a": 3}\n')
    found = list(rows(path))
    assert [type(row) for row in found] == [Row, RowProblem, Row]
    assert [(row.number, row.line) for row in found] == [(1, 1), (2, 2), (3, 4)]


def test_an_endless_json_line_is_skipped_with_bounded_memory(write):
    long = b'{"title": "' + b"x" * (100 * 2**20) + b'"}\n'
    path = write("in.jsonl", b'{"a": 1}\n' + long + b'{"a": 2}\n')
    del long
    tracemalloc.start()
    good, problems = told(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert good == [{"a": 1}, {"a": 2}]
    assert problems == [(2, "the line is longer than 16 MiB")]
    assert peak < 80 * 2**20


def test_csv_values_keep_quotes_line_breaks_and_unicode(write):
    path = write("in.csv", '\ufefftitle,text\n"a ""b"", c","one\ntwo"\né,\n')
    good, problems = told(path)
    assert good == [{"title": 'a "b", c', "text": "one\ntwo"}, {"title": "é", "text": ""}]
    assert problems == []


def test_broken_csv_rows_are_told_with_the_line_where_they_start(write):
    path = write("in.csv", b'title,text\n"two\nlines",ok\nshort\na,b,c\n\xff,x\n\nlast,row\n')
    good, problems = told(path)
    assert good == [{"title": "two\nlines", "text": "ok"}, {"title": "last", "text": "row"}]
    assert problems == [
        (4, "1 values for 2 columns"),
        (5, "3 values for 2 columns"),
        (6, "not UTF-8 text"),
    ]


def test_a_quote_that_is_never_closed_costs_its_own_row_only(write):
    path = write("in.csv", 'title,text\na,"open\nb,two\nc,three\n')
    good, problems = told(path)
    assert good == [{"title": "b", "text": "two"}, {"title": "c", "text": "three"}]
    assert [line for line, _ in problems] == [2]


def test_parquet_rows_come_typed_and_nested(tmp_path):
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table({"title": ["a", None], "tags": [["x"], []], "n": [1.5, 2.0]}), path)
    good, problems = told(path)
    assert good == [{"title": "a", "tags": ["x"], "n": 1.5}, {"title": None, "tags": [], "n": 2.0}]
    assert problems == []
    assert column_names(path) == ("title", "tags", "n")


@pytest.mark.parametrize(
    ("name", "content", "error", "words"),
    [
        ("in.txt", "x", UsageError, "in.txt from its suffix '.txt'"),
        ("in.jsonl", "", InputError, "is empty"),
        ("in.csv", "", InputError, "is empty"),
        ("in.parquet", "", InputError, "is empty"),
        ("in.parquet", "no parquet at all", InputError, "not a sound Parquet file"),
        ("in.csv", "a,a\n1,2\n", InputError, "names the column 'a' twice"),
        ("in.csv", "\n1,2\n", InputError, "names no columns"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_clear_error(write, name, content, error, words):
    path = write(name, content)
    with pytest.raises(error, match=words.replace(".", r"\.")) as caught:
        list(rows(path))
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_clear_errors(tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        list(rows(tmp_path / "none.csv"))
    with pytest.raises(InputError, match=r"holds no \.jsonl, \.csv or \.parquet file"):
        expand([tmp_path])


def test_a_folder_stands_for_its_files_in_order_of_name(write, tmp_path):
    for name in ("b.csv", "a.jsonl", "note.txt"):
        write(name, "a\n1\n")
    assert [path.name for path in expand([tmp_path])] == ["a.jsonl", "b.csv"]


def test_missing_columns_are_named_before_anything_is_read(write):
    path = write("in.csv", "headline,body\nx,y\n")
    with pytest.raises(InputError, match="no column 'title' or 'text'; it has headline, body"):
        require_columns(path, ("title", "text"))


def test_a_large_file_streams_with_constant_memory(tmp_path):
    path = tmp_path / "in.jsonl"
    with path.open("w") as stream:
        for number in range(20_000):
            stream.write(json.dumps({"title": f"title {number}", "text": "word " * 60}) + "\n")
    tracemalloc.start()
    count = sum(1 for _ in rows(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 20_000
    assert peak < 2 * 2**20 < path.stat().st_size
