"""The Ray engine on a cluster of this machine: the local engine's records, also after a kill."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from batch_news import news, write_jsonl

pytest.importorskip("ray", reason="the ray extra is not installed")

from service import ray_engine
from service.ray_pieces import RECORD_COLUMNS

NESTED = {"sentiment", "drivers", "uncertain", "probabilities", "amounts", "entities"}
PIECE = 8


@pytest.fixture
def cluster():
    """A Ray of its own, as every command has; what a killed worker leaves behind ends with it."""
    with ray_engine.connected(None, 2) as workers:
        yield workers


@pytest.fixture
def tag_on(cluster):
    """Tag files in small pieces; gives counts and problems."""

    def call(inputs, output, *, on_progress=lambda _: None, **options):
        job = ray_engine.prepare([str(one) for one in inputs], str(output), **options)
        assert job is not None
        problems = []
        counts = ray_engine.tag_pieces(
            job,
            ray_engine.ModelChoice(None, ()),
            workers=cluster,
            on_problem=lambda one: problems.append(one.line),
            on_progress=on_progress,
            piece_rows=PIECE,
        )
        return counts, problems

    return call


@pytest.fixture
def locally(tagger):
    def call(inputs, output):
        from service.batch import prepare, tag_files

        tag_files(
            prepare(inputs, output), tagger, on_problem=lambda _: None, on_progress=lambda _: None
        )
        return output.read_text(encoding="utf-8").splitlines()

    return call


def lines_of(output: Path) -> list[str]:
    """The records of an output folder as the local engine would have written them."""
    lines = []
    for part in sorted(output.glob("input=*/part-*.parquet")):
        for row in pq.read_table(part, partitioning=None).to_pylist():
            names = (*RECORD_COLUMNS[:3], "error") if row["error"] else RECORD_COLUMNS
            told = [
                f"{json.dumps(name)}:"
                + (
                    row[name]
                    if name in NESTED and row[name] is not None
                    else json.dumps(row[name], ensure_ascii=False)
                )
                for name in names
            ]
            carried = "," + row["carried"][1:-1] if row["carried"] else ""
            lines.append("{" + ",".join(told) + carried + "}")
    return lines


def test_the_same_records_as_the_local_engine_in_order(tag_on, locally, tmp_path):
    first = write_jsonl(tmp_path / "a.jsonl", news(20))
    with first.open("a") as file:
        file.write('{"id": \n\n{"title": "Bitcoin"}\n{"id": "t", "title": 12}\n')
    import pyarrow as pa

    second = tmp_path / "b.parquet"
    pq.write_table(pa.Table.from_pylist(news(30, first=40)), second, row_group_size=7)
    counts, problems = tag_on([first, f"file://{second}"], tmp_path / "out")
    assert lines_of(tmp_path / "out") == locally([first, second], tmp_path / "local.jsonl")
    assert (counts.rows, counts.failed, sorted(problems)) == (53, 2, [21, 24])
    mark = json.loads((tmp_path / "out" / "_undertow.json").read_text())
    assert mark["whole"] is True
    assert ray_engine.prepare([str(first)], str(tmp_path / "out"), resume=True) is None


def test_the_piece_of_a_killed_worker_is_done_again(tag_on, locally, tmp_path):
    source = write_jsonl(tmp_path / "a.jsonl", news(48))
    killed, loaded = [], []

    def kill_a_worker(_rows):
        if not killed:
            killed.append(_a_worker())
            loaded.append(Path(f"/proc/{killed[0]}/maps").read_text())
            os.kill(killed[0], signal.SIGKILL)

    # An address that only fsspec knows.
    counts, _ = tag_on([f"local://{source}"], tmp_path / "out", on_progress=kill_a_worker)
    assert "/spacy/" in loaded[0]
    assert "/torch/" not in loaded[0], "a model on the CPU is read without it"
    assert counts.rows == 48
    assert lines_of(tmp_path / "out") == locally([source], tmp_path / "local.jsonl")


def _a_worker() -> int:
    """The process of an actor: a descendant of this one with its name."""
    parents, names = {}, {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "stat").read_text().rpartition(")")[2].split()
            names[int(path.name)] = (path / "cmdline").read_bytes()
        except OSError:
            continue
        parents[int(path.name)] = int(words[1])
    for number, name in names.items():
        above = number
        while above in parents and above != os.getpid():
            above = parents[above]
        if above == os.getpid() and b"PieceTagger" in name:
            return number
    raise AssertionError("no actor is running")


def test_a_run_that_was_cut_off_goes_on(tag_on, locally, tmp_path):
    source = write_jsonl(tmp_path / "a.jsonl", news(24))
    output = tmp_path / "out"
    tag_on([source], output)
    mark = json.loads((output / "_undertow.json").read_text())
    (output / "_undertow.json").write_text(json.dumps(mark | {"whole": False}))
    (output / "input=00000-a.jsonl" / "part-000001.parquet").unlink()
    counts, _ = tag_on([source], output, resume=True)
    assert (counts.rows, counts.resumed) == (24, 16)
    assert lines_of(output) == locally([source], tmp_path / "local.jsonl")


def test_a_corrupt_part_is_told_before_anything_is_tagged(tag_on, tmp_path):
    from corpus.errors import InputError

    folder = tmp_path / "news"
    folder.mkdir()
    write_jsonl(folder / "a.jsonl", news(3))
    (folder / "b.parquet").write_bytes(b"PAR1" + bytes(400))
    with pytest.raises(InputError, match=r"b\.parquet is not a sound Parquet file"):
        tag_on([folder], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_files_without_text_are_told_before_anything_is_tagged(tag_on, tmp_path):
    from corpus.errors import InputError

    write_jsonl(tmp_path / "a.jsonl", news(3))
    write_jsonl(tmp_path / "b.jsonl", [{"headline": "Bitcoin"}])
    with pytest.raises(InputError, match="has no column 'title' or 'text'; it has headline"):
        tag_on([tmp_path / "a.jsonl", tmp_path / "b.jsonl"], tmp_path / "out")


def test_memory_that_caches_files_counts_as_free(monkeypatch):
    """On a machine that has read much, hardly a page is free and most can be had."""
    from corpus.errors import UsageError

    real = os.sysconf
    monkeypatch.setattr(os, "sysconf", lambda name: "AVPHYS" not in str(name) and real(name))
    with (
        pytest.raises(UsageError, match=r"GiB are free") as refused,
        ray_engine.connected(None, 100_000),
    ):
        pass
    assert " 0.0 GiB are free" not in str(refused.value)


def test_a_cluster_that_only_the_environment_names_is_left_alone(monkeypatch):
    """Without --address the job runs on this machine, whatever else uses Ray here."""
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    with ray_engine.connected(None, 1) as workers:
        assert workers == 1
