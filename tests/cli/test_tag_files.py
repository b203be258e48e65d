"""`undertow tag IN -o OUT`: one record a row in order, whatever the kinds of file, and resuming."""

from __future__ import annotations

import csv
import json
import os
import resource
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.batch import prepare, tag_files
from service.journal import journal_of, part_of, read_journal

CHUNK = 4


@pytest.fixture
def tag(tagger):
    """Tag files in this process, in small chunks; gives counts and problems."""

    def call(inputs, output, chunk=CHUNK, **options):
        batch = prepare([Path(one) for one in inputs], Path(output), **options)
        assert batch is not None
        problems = []
        counts = tag_files(
            batch,
            tagger,
            on_problem=lambda one: problems.append(str(one)),
            on_progress=lambda _done: None,
            chunk=chunk,
        )
        return counts, problems

    return call


class CutOffError(Exception):
    """Ends a run after its first chunk."""


@pytest.fixture
def cut_off(tagger):
    """Leave an unfinished output behind, by ending the run after its first chunk."""

    def stop(rows):
        if rows:
            raise CutOffError

    def call(source, output):
        with pytest.raises(CutOffError):
            tag_files(
                prepare([source], output), tagger, on_problem=print, on_progress=stop, chunk=CHUNK
            )

    return call


def _records(path):
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def rows(headlines):
    return [
        {"id": f"n{place}", "title": title, "published_at": "2025-11-14T08:00:00Z", "desk": place}
        for place, title in enumerate(headlines)
    ]


def test_one_record_a_row_in_order_with_other_columns(tag, rows, write_rows, tagger):
    counts, problems = tag([write_rows(Path("news.jsonl"), rows)], "tags.jsonl")
    records = _records("tags.jsonl")
    assert [one["id"] for one in records] == [one["id"] for one in rows]
    assert [one["desk"] for one in records] == [one["desk"] for one in rows]
    assert {one["model"] for one in records} == {tagger.identity}
    assert all("title" not in one and "text" not in one for one in records)
    assert (counts.rows, counts.failed, problems) == (len(rows), 0, [])
    assert records[0]["published_at"] == "2025-11-14T08:00:00Z"


def test_a_record_is_the_taggers_own(tag, rows, write_rows, tagger):
    from nlp.records import Item

    tag([write_rows(Path("news.jsonl"), rows[:3])], "tags.jsonl")
    own = tagger.tag(
        [
            Item(
                id=row["id"],
                title=row["title"],
                published_at=datetime(2025, 11, 14, 8, tzinfo=UTC),
            )
            for row in rows[:3]
        ]
    )
    for line, record in zip(Path("tags.jsonl").read_text().splitlines(), own, strict=True):
        assert line.startswith(record.to_json()[:-1])


def test_columns_named_as_a_records_fields_are_renamed(tag, write_rows, headlines):
    row = {"title": headlines[0], "language": "xx", "model": "mine", "input_model": "theirs"}
    tag([write_rows(Path("news.jsonl"), [row])], "tags.jsonl")
    record = _records("tags.jsonl")[0]
    assert record["language"] == "en"
    assert record["input_language"] == "xx"
    assert record["input_input_model"] == "mine"
    assert record["input_model"] == "theirs"


def test_rows_without_id_are_numbered_over_all_inputs(tag, write_rows, headlines):
    first = write_rows(Path("a.jsonl"), [{"title": headlines[0]}, {"title": headlines[1]}])
    second = write_rows(Path("b.jsonl"), [{"title": headlines[2]}, {"id": 7, "title": "Bitcoin"}])
    tag([first, second], "tags.jsonl")
    assert [one["id"] for one in _records("tags.jsonl")] == ["1", "2", "3", "7"]


def test_broken_rows_give_error_records_in_their_place(tag, headlines):
    lines = [
        json.dumps({"id": "a", "title": headlines[0]}),
        '{"id": "b", "title": ',
        "",
        json.dumps({"id": "c", "title": " ", "text": None, "desk": 3}),
        json.dumps({"id": "d", "title": 12}),
        json.dumps({"id": "e", "title": headlines[1], "published_at": "one day"}),
    ]
    Path("news.jsonl").write_text("\n".join(lines) + "\n")
    counts, problems = tag(["news.jsonl"], "tags.jsonl")
    records = _records("tags.jsonl")
    assert [one["id"] for one in records] == ["a", "news.jsonl:2", "c", "d", "e"]
    assert [set(one) - {"desk"} for one in records[1:4]] == [{"id", "schema", "model", "error"}] * 3
    assert records[1]["error"].startswith("news.jsonl:2: not valid JSON")
    assert records[2]["desk"] == 3
    assert [one.split(": ")[0] for one in problems] == [f"news.jsonl:{line}" for line in (2, 4, 5)]
    assert (counts.rows, counts.failed, counts.undated) == (5, 3, 1)


def test_csv_and_parquet_hold_the_same_records(tag, rows, write_rows):
    source = write_rows(Path("news.jsonl"), rows)
    tag([source], "tags.jsonl")
    tag([source], "tags.csv")
    tag([source], "tags.parquet")
    records = _records("tags.jsonl")
    with Path("tags.csv").open(newline="", encoding="utf-8") as file:
        from_csv = list(csv.DictReader(file))
    from_parquet = pq.read_table("tags.parquet").to_pylist()
    for record, told, row in zip(records, from_csv, from_parquet, strict=True):
        assert list(told) == list(row) == list(record)
        for field in ("drivers", "amounts", "probabilities", "sentiment"):
            assert json.loads(told[field]) == json.loads(row[field]) == record[field]
        assert row["relevant"] is record["relevant"]
        assert row["desk"] == record["desk"] == int(told["desk"])


def test_parquet_times_come_through_as_times(tag, headlines):
    moments = [datetime(2025, 11, 14, 8, tzinfo=UTC), None]
    table = pa.table(
        {
            "title": list(headlines[:2]),
            "published_at": pa.array(moments, pa.timestamp("us", tz="UTC")),
            "seen": pa.array(moments, pa.timestamp("us")),
        }
    )
    pq.write_table(table, "news.parquet")
    tag(["news.parquet"], "tags.parquet")
    told = pq.read_table("tags.parquet")
    assert told.column("published_at").to_pylist() == moments
    assert told.column("seen").to_pylist() == moments
    assert told.column("published_at").type == pa.timestamp("us", tz="UTC")


def test_the_same_tags_from_jsonl_csv_and_parquet(tag, rows, write_rows):
    write_rows(Path("news.jsonl"), rows)
    with Path("news.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    pq.write_table(pa.Table.from_pylist(rows), "news.parquet")
    for suffix in ("jsonl", "csv", "parquet"):
        tag([f"news.{suffix}"], f"from-{suffix}.jsonl")

    def tags(suffix):
        return [one | {"desk": int(one["desk"])} for one in _records(f"from-{suffix}.jsonl")]

    assert tags("csv") == tags("jsonl") == tags("parquet")


def test_killed_at_any_moment_it_resumes_to_the_same_bytes(tag, rows, write_rows, undertow):
    source, output = write_rows(Path("news.jsonl"), rows * 2), Path("tags.jsonl")
    tag([source], "whole.jsonl")
    code = (
        "from pathlib import Path; from nlp.tagger import Tagger\n"
        "from service.batch import prepare, tag_files\n"
        "nothing = lambda _: None\n"
        "batch = prepare([Path('news.jsonl')], Path('tags.jsonl'))\n"
        "tag_files(batch, Tagger.load(), on_problem=nothing, on_progress=nothing, chunk=1)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code])
    while not journal_of(output).exists() and child.poll() is None:
        time.sleep(0.002)
    child.kill()
    child.wait()
    assert child.returncode == -signal.SIGKILL
    done = read_journal(output).rows
    assert 0 < done < len(rows) * 2
    # Whatever a kill in the middle of a write leaves behind the whole records is cut off.
    with part_of(output).open("ab") as part:
        part.write(b'{"id": "half a rec')
    resumed = undertow("tag", source, "-o", output, "--resume", "--json")
    assert resumed.code == 0
    assert resumed.data()["resumed"] == done
    assert resumed.data()["rows"] == len(rows) * 2
    assert output.read_bytes() == Path("whole.jsonl").read_bytes()
    assert sorted(path.name for path in Path().glob("tags.*")) == [output.name]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_csv_and_parquet_resume_to_the_same_bytes(tag, cut_off, rows, write_rows, suffix):
    source, output = write_rows(Path("news.jsonl"), rows), Path(f"tags.{suffix}")
    tag([source], f"whole.{suffix}")
    cut_off(source, output)
    counts, _ = tag([source], output, resume=True)
    assert (counts.resumed, counts.rows) == (CHUNK, len(rows))
    assert output.read_bytes() == Path(f"whole.{suffix}").read_bytes()


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(
    undertow, one_line, undertow_line, write_rows, headlines
):
    source = write_rows(
        Path("news.jsonl"), [{"title": f"{one} {n}"} for n in range(12) for one in headlines]
    )
    child = subprocess.Popen(
        [*undertow_line, "tag", str(source), "-o", "tags.jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    # The part is there once the model is loaded, and the first chunk then takes a while.
    while not Path("tags.jsonl.part").exists() and child.poll() is None:
        time.sleep(0.002)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=120)
    assert child.returncode == 130
    assert err.count("\n") == 1
    assert "--resume" in err
    assert not Path("tags.jsonl").exists()
    again = undertow("tag", source, "-o", "tags.jsonl", "--resume")
    assert again.code == 0
    assert len(_records("tags.jsonl")) == 12 * len(headlines)


def test_a_full_disk_is_one_line_and_nothing_is_lost(tag, rows, write_rows, process, one_line):
    source = write_rows(Path("news.jsonl"), rows * 3)
    tag([source], "whole.jsonl")
    # A limit on the size of files stands in for a disk that fills up.
    limit = Path("whole.jsonl").stat().st_size // 2

    def bound():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    outcome = process("tag", source, "-o", "tags.jsonl", preexec_fn=bound)
    assert outcome.code == 1
    assert "--resume" in one_line(outcome)
    assert not Path("tags.jsonl").exists()
    tag([source], "tags.jsonl", resume=True)
    assert Path("tags.jsonl").read_bytes() == Path("whole.jsonl").read_bytes()


def test_an_unfinished_output_is_neither_overwritten_nor_continued_with_other_inputs(
    cut_off, rows, write_rows, undertow, one_line
):
    source, output = write_rows(Path("news.jsonl"), rows), Path("tags.jsonl")
    cut_off(source, output)
    refused = undertow("tag", source, "-o", output)
    assert refused.code == 2
    assert "--resume" in one_line(refused)
    assert "--overwrite" in refused.err
    write_rows(source, rows[::-1])
    refused = undertow("tag", source, "-o", output, "--resume")
    assert refused.code == 2
    assert "other inputs" in one_line(refused)
    anew = undertow("tag", source, "-o", output, "--overwrite")
    assert anew.code == 0
    assert [one["id"] for one in _records(output)] == [one["id"] for one in rows[::-1]]


def test_a_damaged_journal_or_part_is_not_built_upon(cut_off, rows, write_rows, undertow, one_line):
    source, output = write_rows(Path("news.jsonl"), rows), Path("tags.jsonl")
    cut_off(source, output)
    os.truncate(part_of(output), 10)
    outcome = undertow("tag", source, "-o", output, "--resume")
    assert outcome.code == 1
    assert "shorter" in one_line(outcome)
    journal_of(output).write_text("{}")
    outcome = undertow("tag", source, "-o", output, "--resume")
    assert outcome.code == 1
    assert "damaged" in one_line(outcome)


def test_an_output_that_exists_is_refused_and_stands_until_the_new_one_is_whole(
    tag, rows, write_rows, undertow, one_line
):
    source = write_rows(Path("news.jsonl"), rows)
    Path("tags.jsonl").write_text("mine\n")
    refused = undertow("tag", source, "-o", "tags.jsonl")
    assert refused.code == 2
    assert "--overwrite" in one_line(refused)
    assert Path("tags.jsonl").read_text() == "mine\n"
    tag([source], "tags.jsonl", overwrite=True)
    assert len(_records("tags.jsonl")) == len(rows)


def test_resuming_a_whole_output_does_nothing(tag, rows, write_rows, undertow):
    source = write_rows(Path("news.jsonl"), rows[:2])
    tag([source], "tags.jsonl")
    before = Path("tags.jsonl").read_bytes()
    outcome = undertow("tag", source, "-o", "tags.jsonl", "--resume")
    assert outcome.code == 0
    assert "nothing to resume" in outcome.out
    assert Path("tags.jsonl").read_bytes() == before


def test_ended_between_naming_the_output_and_dropping_the_journal(
    tag, rows, write_rows, undertow, tagger
):
    from service.journal import Journal, write_journal

    source, output = write_rows(Path("news.jsonl"), rows[:2]), Path("tags.jsonl")
    tag([source], output)
    write_journal(output, Journal(inputs=(), model=tagger.identity, rows=2, whole=True))
    assert undertow("tag", source, "-o", output, "--resume").code == 0
    assert not journal_of(output).exists()
    assert len(_records(output)) == 2


def test_an_input_is_not_its_own_output(write_rows, rows, undertow, one_line):
    source = write_rows(Path("news.jsonl"), rows)
    outcome = undertow("tag", source, "-o", "./news.jsonl", "--overwrite")
    assert outcome.code == 2
    assert "input" in one_line(outcome)
    assert len(_records(source)) == len(rows)


def test_a_chunk_is_bounded_by_rows_and_by_text():
    from service.batch_rows import in_chunks

    short = [len(one) for one in in_chunks(range(10), most=4, length=lambda _one: 100)]
    assert short == [4, 4, 2]
    long = [len(one) for one in in_chunks(range(10), most=4, length=lambda _one: 100_000)]
    assert long == [3, 3, 3, 1]


@pytest.mark.parametrize("cell", ["", "20 Nov 2025", "2025-11-20T08:00:00Z"])
def test_times_of_one_file_beside_words_of_another(tag, tmp_path, cell):
    moment = datetime(2025, 11, 19, 8, tzinfo=UTC)
    table = pa.table({"title": ["Bitcoin ETFs lose $90 million"], "told": [moment]})
    pq.write_table(table, tmp_path / "a.parquet")
    (tmp_path / "b.csv").write_text(f"title,told\nBitcoin climbs,{cell}\n")
    output = tmp_path / "out.parquet"
    tag([tmp_path / "a.parquet", tmp_path / "b.csv"], output)
    told = pq.read_table(output)["told"].to_pylist()
    assert len(told) == 2
    assert not part_of(output).exists()
    if cell == "20 Nov 2025":
        assert told[1] == cell
    else:
        assert told[0] == moment
