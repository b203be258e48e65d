"""Bad input and bad circumstances: one clear line, the right exit code, nothing lost."""

from __future__ import annotations

import json
import resource
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nlp.tagger import SHIPPED

COMMANDS = {
    "import": ("import", "{}", "--db", "sqlite:///new.db"),
    "tag": ("tag", "{}", "-o", "tags.jsonl"),
    "prices": ("prices", "import", "{}", "--db", "sqlite:///new.db"),
}


def _empty():
    Path("news.csv").touch()
    return "news.csv"


def _missing():
    return "nowhere.jsonl"


def _unknown_suffix():
    Path("news.xlsx").write_text("title\nBitcoin\n")
    return "news.xlsx"


def _other_columns_csv():
    Path("news.csv").write_text("headline,body\nBitcoin falls,It fell.\n")
    return "news.csv"


def _other_columns_parquet():
    pq.write_table(pa.table({"headline": ["Bitcoin falls"]}), "news.parquet")
    return "news.parquet"


def _no_parquet():
    Path("news.parquet").write_bytes(b"PAR1 but then something else")
    return "news.parquet"


def _folder_without_files():
    Path("folder").mkdir()
    return "folder"


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (_empty, (1, "empty")),
        (_missing, (1, "nowhere.jsonl")),
        (_unknown_suffix, (2, ".xlsx")),
        (_other_columns_csv, (1, "headline, body")),
        (_other_columns_parquet, (1, "headline")),
        (_no_parquet, (1, "news.parquet")),
        (_folder_without_files, (1, "folder")),
    ],
)
def test_an_input_that_cannot_be_read(undertow, one_line, command, make, expected):
    name = make()
    outcome = undertow(*(word.format(name) for word in COMMANDS[command]))
    code, told = expected
    assert outcome.code == code
    line = one_line(outcome)
    assert told in line
    assert line.endswith(")"), "no remedy"
    assert not Path("tags.jsonl").exists()


def test_json_lines_without_title_and_text(undertow, one_line, write_rows):
    write_rows(Path("news.jsonl"), [{"headline": "Bitcoin falls"}])
    outcome = undertow("tag", "news.jsonl", "-o", "tags.jsonl")
    assert outcome.code == 1
    assert "headline" in one_line(outcome)


def test_an_output_of_unknown_kind(undertow, one_line, news_file):
    outcome = undertow("tag", news_file, "-o", "tags.xml")
    assert outcome.code == 2
    assert ".xml" in one_line(outcome)


def test_an_output_in_a_folder_that_is_not_there(undertow, one_line, news_file):
    outcome = undertow("tag", news_file, "-o", "nowhere/tags.jsonl")
    assert outcome.code == 2
    assert "nowhere" in one_line(outcome)


def test_a_broken_line_does_not_lose_the_rest(undertow, headlines):
    lines = [json.dumps({"title": one}) for one in headlines[:3]]
    lines.insert(1, '{"title": "Bitcoin')
    Path("news.jsonl").write_text("\n".join(lines))
    outcome = undertow("tag", "news.jsonl", "-o", "tags.jsonl", "--json")
    assert outcome.code == 3
    assert outcome.err.startswith("undertow: news.jsonl:2: not valid JSON")
    assert outcome.err.count("\n") == 1
    assert (outcome.data()["rows"], outcome.data()["failed"]) == (4, 1)
    assert len(Path("tags.jsonl").read_text(encoding="utf-8").splitlines()) == 4


def test_a_missing_model(undertow, one_line, news_file):
    outcome = undertow("tag", news_file, "-o", "tags.jsonl", "--model", "nowhere")
    assert outcome.code == 1
    assert "nowhere" in one_line(outcome)
    assert list(Path().glob("tags.jsonl*")) == []


def test_a_damaged_model(undertow, one_line, news_file):
    shutil.copytree(SHIPPED, "model")
    with Path("model/model.onnx").open("r+b") as file:
        file.write(b"damaged")
    outcome = undertow("tag", news_file, "-o", "tags.jsonl", "--model", "model")
    assert outcome.code == 1
    assert "model.onnx" in one_line(outcome)


@pytest.mark.parametrize(
    "url",
    [
        "news.db",
        "nothing://here",
        "sqlite:///nowhere/news.db",
        "postgresql+psycopg://127.0.0.1:1/undertow?connect_timeout=2",
    ],
)
def test_a_store_that_cannot_be_opened(undertow, one_line, url):
    outcome = undertow("db", "check", "--db", url)
    assert outcome.code in {1, 2}
    assert one_line(outcome)


def test_a_file_that_is_no_store(undertow, one_line):
    Path("notes.db").write_text("These are my notes, and long enough to be a page of SQLite." * 20)
    outcome = undertow("db", "check", "--db", "sqlite:///notes.db")
    assert outcome.code == 1
    assert "notes.db" in one_line(outcome)


def test_a_store_without_tags(undertow, one_line):
    assert undertow("db", "upgrade", "--db", "sqlite:///new.db").code == 0
    for command in ("index", "study", "watch"):
        outcome = undertow(command, "--db", "sqlite:///new.db")
        assert outcome.code == 1
        assert "tag" in one_line(outcome)


def test_a_source_list_with_an_error_names_line_and_field(undertow, one_line):
    Path("outlets.toml").write_text('[[source]]\nname = "One"\nurl = "ftp://one.example"\n')
    outcome = undertow("crawl", "--sources", "outlets.toml", "--db", "sqlite:///new.db")
    assert outcome.code == 1
    assert "outlets.toml: line 3, url" in one_line(outcome)


def test_outlets_that_all_fail_are_named_and_exit_code_is_1(undertow):
    # Nothing listens on port 1, and the address is of this machine only.
    Path("outlets.toml").write_text('[[source]]\nname = "One"\nurl = "http://127.0.0.1:1/feed"\n')
    outcome = undertow("crawl", "--sources", "outlets.toml", "--db", "sqlite:///new.db")
    assert outcome.code == 1
    assert outcome.err.startswith("undertow: One: ")
    state = undertow("sources", "--sources", "outlets.toml", "--db", "sqlite:///new.db")
    assert state.out.startswith("One  failing, 1 time in a row: ")


class _Outlet(BaseHTTPRequestHandler):
    """A feed of one whole article; it has nothing else."""

    def do_GET(self) -> None:
        body = b""
        if self.path == "/feed":
            paragraphs = "".join(
                f"<p>Bitcoin funds lost money again, part {n}.</p>" for n in range(40)
            )
            body = (
                '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/">'
                "<channel><title>Outlet</title><item><title>Bitcoin funds lose money</title>"
                f"<link>http://{self.headers['Host']}/one</link>"
                "<pubDate>Fri, 14 Nov 2025 08:00:00 GMT</pubDate>"
                f"<content:encoded><![CDATA[{paragraphs}]]></content:encoded></item></channel></rss>"
            ).encode()
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "application/rss+xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Keep the test's output clean."""


def test_one_outlet_that_fails_makes_it_partial(undertow):
    with ThreadingHTTPServer(("127.0.0.1", 0), _Outlet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        feeds = {
            "Here": f"http://127.0.0.1:{server.server_port}/feed",
            "Gone": "http://127.0.0.1:1/",
        }
        Path("outlets.toml").write_text(
            "".join(f'[[source]]\nname = "{name}"\nurl = "{url}"\n' for name, url in feeds.items())
        )
        outcome = undertow(
            *("crawl", "--sources", "outlets.toml", "--allow-private"),
            *("--db", "sqlite:///new.db", "--json"),
        )
        server.shutdown()
        thread.join()
    assert outcome.code == 3
    assert outcome.data()["new"] == 1
    assert [name for name, _ in outcome.data()["failed"]] == ["Gone"]
    assert outcome.err.startswith("undertow: Gone: ")


@pytest.fixture
def many_articles(write_rows):
    rows = (
        {"title": f"Bitcoin news number {n}", "url": f"https://one.example/{n}"}
        for n in range(2400)
    )
    return write_rows(Path("many.jsonl"), list(rows))


def _articles(path):
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT count(*) FROM articles").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


def test_an_interrupted_import_goes_on(undertow, undertow_line, many_articles):
    child = subprocess.Popen(
        [*undertow_line, "import", str(many_articles), "--db", "sqlite:///new.db"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while child.poll() is None and not _articles("new.db"):
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=120)
    assert child.returncode == 130
    assert err.count("\n") == 1
    assert "run it again" in err
    kept = _articles("new.db")
    assert 0 < kept < 2400
    again = undertow("import", many_articles, "--db", "sqlite:///new.db", "--json").data()
    assert (again["new"], again["unchanged"]) == (2400 - kept, kept)


def test_a_full_disk_under_the_store_is_one_line(process, one_line, undertow, many_articles):
    # A limit on the size of files stands in for a disk that fills up.
    def bound():
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))

    outcome = process("import", many_articles, "--db", "sqlite:///new.db", preexec_fn=bound)
    assert outcome.code == 1
    assert "disk" in one_line(outcome)
    kept = _articles("new.db")
    again = undertow("import", many_articles, "--db", "sqlite:///new.db", "--json").data()
    assert again["new"] + again["unchanged"] == 2400
    assert again["unchanged"] == kept
