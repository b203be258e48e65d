"""Inputs and outputs that cannot be: told in one line, before the model is loaded."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batch_news import news, write_jsonl

ENGINES = pytest.mark.parametrize("engine", ["local", "ray"])
UNDERTOW = (sys.executable, "-c", "from service.cli import main; main()")


NOTHING_LOADED = pytest.mark.usefixtures("nothing_loaded")


@pytest.fixture
def nothing_loaded(monkeypatch):
    """The failure must come before the model is asked for."""
    from nlp.tagger import Tagger

    def asked(*_, **__):
        raise AssertionError("the model was loaded")

    monkeypatch.setattr(Tagger, "load", asked)


@ENGINES
@NOTHING_LOADED
def test_a_file_that_is_not_there(refused, engine):
    code, line = refused("tag", "none.jsonl", "-o", "out.parquet", "--engine", engine)
    assert code == 1
    assert "none.jsonl" in line


@ENGINES
@NOTHING_LOADED
def test_a_folder_without_news(refused, tmp_path, engine):
    (tmp_path / "empty").mkdir()
    code, line = refused("tag", "empty", "-o", "out.parquet", "--engine", engine)
    assert code == 1
    assert "empty" in line


@ENGINES
def test_a_folder_that_may_not_be_read(tmp_path, engine):
    folder = tmp_path / "closed"
    folder.mkdir()
    write_jsonl(folder / "news.jsonl", news(1))
    folder.chmod(0)
    # Root may read everything: another user runs it, where that is possible.
    user = {"user": 65534, "group": 65534} if os.geteuid() == 0 else {}
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents:
        if not parent.stat().st_mode & 0o001:
            pytest.skip("another user cannot reach the folder of this test")
    try:
        done = subprocess.run(
            [*UNDERTOW, "tag", str(folder), "-o", str(tmp_path / "out.jsonl"), "--engine", engine],
            capture_output=True,
            text=True,
            check=False,
            **user,
        )
    finally:
        folder.chmod(0o755)
    if "ModuleNotFoundError" in done.stderr:
        pytest.skip("another user cannot read the installed packages")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert "closed" in done.stderr
    assert not (tmp_path / "out.jsonl").exists()


@NOTHING_LOADED
def test_a_corrupt_parquet_part(refused, tmp_path):
    folder = tmp_path / "news"
    folder.mkdir()
    pq.write_table(pa.Table.from_pylist(news(3)), folder / "a.parquet")
    (folder / "b.parquet").write_bytes(b"PAR1" + bytes(400))
    code, line = refused("tag", "news", "-o", "out.jsonl")
    assert code == 1
    assert "b.parquet is not a sound Parquet file" in line
    assert not (tmp_path / "out.jsonl.part").exists()


@NOTHING_LOADED
def test_files_of_unlike_columns_are_told_apart_from_files_without_text(refused, tmp_path):
    write_jsonl(tmp_path / "a.jsonl", news(2))
    pq.write_table(pa.table({"headline": ["Bitcoin"]}), tmp_path / "b.parquet")
    code, line = refused("tag", "a.jsonl", "b.parquet", "-o", "out.jsonl")
    assert code == 1
    assert "b.parquet has no column 'title' or 'text'; it has headline" in line


@pytest.mark.parametrize("text", ["s3://news/a.jsonl", "gs://news"])
@NOTHING_LOADED
def test_an_address_without_the_engine_for_it(refused, text):
    code, line = refused("tag", text, "-o", "out.jsonl")
    assert code == 2
    assert "--engine ray" in line


@NOTHING_LOADED
def test_an_output_folder_that_holds_other_things(refused, tmp_path):
    write_jsonl(tmp_path / "a.jsonl", news(1))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes").write_text("mine")
    code, line = refused("tag", "a.jsonl", "-o", "mine", "--engine", "ray", "--overwrite")
    assert code == 2
    assert "no output of --engine ray" in line
    assert (tmp_path / "mine" / "notes").read_text() == "mine"


@NOTHING_LOADED
def test_a_cluster_that_does_not_answer(refused, tmp_path):
    pytest.importorskip("ray", reason="the ray extra is not installed")
    write_jsonl(tmp_path / "a.jsonl", news(1))
    code, line = refused(
        "tag", "a.jsonl", "-o", "out", "--engine", "ray", "--address", "127.0.0.1:9"
    )
    assert code == 2
    assert "no Ray cluster answers at 127.0.0.1:9" in line
    assert not (tmp_path / "out").exists()


@NOTHING_LOADED
def test_too_little_memory_for_the_workers(refused, tmp_path):
    pytest.importorskip("ray", reason="the ray extra is not installed")
    write_jsonl(tmp_path / "a.jsonl", news(1))
    code, line = refused("tag", "a.jsonl", "-o", "out", "--engine", "ray", "--workers", 100_000)
    assert code == 2
    assert "give fewer --workers" in line


def test_too_little_memory_on_this_machine(tmp_path):
    source = write_jsonl(tmp_path / "a.jsonl", news(1))
    output = tmp_path / "out.jsonl"
    limit = 260 * 2**20
    done = subprocess.run(
        [*UNDERTOW, "tag", str(source), "-o", str(output)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)),
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert "too little memory" in done.stderr
    assert not output.exists()


def test_cuda_where_there_is_none(refused, tmp_path):
    torch = pytest.importorskip("torch", reason="the train extra is not installed")
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    write_jsonl(tmp_path / "a.jsonl", news(1))
    code, line = refused("tag", "a.jsonl", "-o", "out.jsonl", "--device", "cuda")
    assert code == 2
    assert "no CUDA device" in line
