"""A small world for the commands: short news written for these tests, a store, the real model."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nlp.tagger import Tagger
from service.cli.program import run

# Short, so that the whole folder needs the model for some seconds only.
HEADLINES = (
    "Spot Bitcoin ETFs lose $310 million in a day as investors pull out",
    "Treasury company Strategy buys 420 Bitcoin for $45 million",
    "$640 million of leveraged longs liquidated as Bitcoin slides",
    "Bitcoin steadies as Federal Reserve signals rate cuts ahead",
    "Spot Bitcoin ETFs take in $205 million, a third day of inflows",
    "Ether treasury firm sells 3,000 Ether to buy back shares",
    "Open interest in Ether futures rises as traders add leverage",
    "Hot inflation data weighs on Bitcoin and stocks alike",
)
FIRST_DAY = datetime(2025, 9, 1, 9, tzinfo=UTC)
DAYS = 70


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    def data(self):
        return json.loads(self.out)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings of the machine, and files of a test stay in its own folder."""
    for name in ("DB", "MODEL", "SOURCES", "PRICE_API", "THREADS", "KEY_HASHES"):
        monkeypatch.delenv(f"UNDERTOW_{name}", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def undertow(capfd: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run the command line in this process."""

    def call(*arguments: object) -> Outcome:
        capfd.readouterr()
        code = run([str(one) for one in arguments])
        sys.stdout.flush()
        out, err = capfd.readouterr()
        return Outcome(code, out, err)

    return call


@pytest.fixture(scope="session")
def root() -> Path:
    return Path(__file__).parents[2]


@pytest.fixture(scope="session")
def undertow_line() -> tuple[str, ...]:
    """How the command is started as a process."""
    return (sys.executable, "-c", "from service.cli import main; main()")


@pytest.fixture
def process(undertow_line: tuple[str, ...]) -> Callable[..., Outcome]:
    """Run the command line as a process of its own."""

    def call(*arguments: object, **options) -> Outcome:
        done = subprocess.run(
            [*undertow_line, *map(str, arguments)],
            check=False,
            text=True,
            timeout=300,
            stdout=options.pop("stdout", subprocess.PIPE),
            stderr=subprocess.PIPE,
            **options,
        )
        return Outcome(done.returncode, done.stdout or "", done.stderr)

    return call


@pytest.fixture
def one_line() -> Callable[[Outcome], str]:
    """The one line that a failure says, checked to be one and no traceback."""

    def check(outcome: Outcome) -> str:
        lines = outcome.err.splitlines()
        assert len(lines) == 1, outcome.err
        assert lines[0].startswith("undertow: ")
        assert "Traceback" not in outcome.err
        assert "bug in Undertow" not in outcome.err
        return lines[0]

    return check


@pytest.fixture(scope="session")
def tagger() -> Tagger:
    return Tagger.load()


@pytest.fixture(scope="session")
def write_rows() -> Callable[[Path, Sequence[dict[str, object]]], Path]:
    """Write rows as a JSONL file."""

    def write(path: Path, rows: Sequence[dict[str, object]]) -> Path:
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def headlines() -> tuple[str, ...]:
    return HEADLINES


def news_rows() -> Iterator[dict[str, object]]:
    """Ten weeks of short news, a headline or two a day, in two outlets."""
    for day in range(DAYS):
        for place in range(1 + day % 2):
            number = day + 3 * place
            yield {
                "title": f"{HEADLINES[number % len(HEADLINES)]} (day {day})",
                "url": f"https://outlet{place}.example/news/{day}-{place}",
                "source": f"Outlet {place}",
                "published_at": (FIRST_DAY + timedelta(days=day, hours=place)).isoformat(),
            }


@pytest.fixture(scope="session")
def news_file(tmp_path_factory: pytest.TempPathFactory, write_rows) -> Path:
    return write_rows(tmp_path_factory.mktemp("news") / "news.jsonl", list(news_rows()))


@pytest.fixture(scope="session")
def store_url(tmp_path_factory: pytest.TempPathFactory, news_file: Path, tagger: Tagger) -> str:
    """A store with the news imported by the command, tagged, and the sample's prices."""
    from corpus.sample import sample_prices_path
    from corpus.store import Store
    from service.batch import tag_store

    url = f"sqlite:///{tmp_path_factory.mktemp('store') / 'news.db'}"
    assert run(["import", str(news_file), "--db", url]) == 0
    assert run(["prices", "import", str(sample_prices_path()), "--db", url]) == 0
    with Store.open(url) as store:
        failed: list[str] = []
        tag_store(store, tagger, on_problem=failed.append, on_progress=lambda _done: None)
    assert failed == []
    return url
