"""Rows written: nested values, types, formulas, and targets that stay whole."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from corpus.errors import InputError, UsageError
from corpus.files import open_writer, read_rows

ROWS = [
    {"id": "a", "n": 1, "when": datetime(2025, 11, 13, 8, tzinfo=UTC), "tags": [{"x": 1.5}]},
    {"id": "b", "n": None, "when": None, "tags": [], "late": True},
    {"id": "c", "n": 2.5, "when": datetime(2025, 11, 13, 8, 0, 0, 7, tzinfo=UTC), "tags": None},
]


def written(path: Path, rows=ROWS) -> Path:
    with open_writer(path) as writer:
        for row in rows:
            writer.write(row)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    return path


def test_jsonl_keeps_nested_values_and_order(tmp_path):
    path = written(tmp_path / "out.jsonl")
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["id"] for row in found] == ["a", "b", "c"]
    assert found[0]["tags"] == [{"x": 1.5}]
    assert datetime.fromisoformat(found[0]["when"]) == ROWS[0]["when"]


def test_parquet_has_one_type_a_column_and_nested_values_as_json(tmp_path):
    table = pq.read_table(written(tmp_path / "out.parquet"))
    assert table.column_names == ["id", "n", "when", "tags", "late"]
    assert table["n"].to_pylist() == [1.0, None, 2.5]
    assert table["when"].to_pylist() == [row["when"] for row in ROWS]
    assert table["tags"].to_pylist() == ['[{"x":1.5}]', "[]", None]
    assert table["late"].to_pylist() == [None, True, None]


def test_parquet_takes_columns_that_begin_empty_and_mix_kinds(tmp_path):
    rows = [{"a": None, "b": 1}] * 3000 + [{"a": "late", "b": "text"}]
    table = pq.read_table(written(tmp_path / "out.parquet", rows))
    assert table["a"].to_pylist()[-1] == "late"
    assert table["b"].to_pylist()[-2:] == ["1", "text"]


def test_csv_can_be_read_back_and_has_every_column(tmp_path):
    path = written(tmp_path / "out.csv")
    found = [row.values for row in read_rows(path, on_problem=pytest.fail)]
    assert [row["tags"] for row in found] == ['[{"x":1.5}]', "[]", ""]
    assert [row["late"] for row in found] == ["", "true", ""]


def test_csv_text_from_outside_cannot_run_as_a_formula(tmp_path):
    cells = ["=1+1", "+A1", "-A1", "@SUM(A1)", "\t=1", "\r=1", " =1", "-870.5", "+3%", "plain", -4]
    path = written(tmp_path / "out.csv", [{"cell": cell} for cell in cells])
    with path.open(newline="") as stream:
        found = [row["cell"] for row in csv.DictReader(stream)]
    assert found == [
        "'=1+1",
        "'+A1",
        "'-A1",
        "'@SUM(A1)",
        "'\t=1",
        "'\r=1",
        "' =1",
        "-870.5",
        "+3%",
        "plain",
        "-4",
    ]


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), open_writer(path) as writer:
        writer.write({"a": 1})
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_of_the_block_is_not_taken_for_one_of_writing(tmp_path):
    with pytest.raises(ConnectionResetError), open_writer(tmp_path / "out.csv"):
        raise ConnectionResetError("the caller's own")


def test_unknown_suffix_and_missing_folder_are_clear_errors(tmp_path):
    with pytest.raises(UsageError, match="suffix"), open_writer(tmp_path / "out.xlsx"):
        pass
    with (
        pytest.raises(InputError, match="No such file or directory"),
        open_writer(tmp_path / "none" / "out.csv"),
    ):
        pass


def test_the_kind_can_be_told_apart_from_the_name(tmp_path):
    with open_writer(tmp_path / "out.part", ".csv") as writer:
        writer.write({"a": 1})
    assert (tmp_path / "out.part").read_bytes() == b"a\r\n1\r\n"


def test_a_full_disk_is_one_clear_error_and_leaves_nothing(tmp_path):
    program = (
        "import resource, signal, sys\n"
        "from corpus.errors import InputError\n"
        "from corpus.files import open_writer\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try:\n"
        "    with open_writer(sys.argv[1]) as writer:\n"
        "        for number in range(100_000):\n"
        "            writer.write({'a': 'x' * 100})\n"
        "except InputError as problem:\n"
        "    print(problem)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "out.csv"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("cannot write")
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []
