"""An import killed at any moment: a rerun brings all back, and doubles nothing."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from corpus.files import read_articles
from corpus.store import Store

IMPORT = """
import sys
from corpus.files import read_articles
from corpus.store import Store
with Store.open(sys.argv[1]) as store:
    print("open", flush=True)
    store.add(read_articles([sys.argv[2]], print))
"""
ROWS = 1_600


def articles_file(path: Path) -> Path:
    with path.open("w") as stream:
        for number in range(ROWS):
            words = " ".join(f"{word}{number // 2}" for word in ("quartz", "harbour", "linen"))
            row = {
                "id": number,
                "title": f"Notice of {words}",
                "text": f"All of the notice {words} as told, at length. {'x' * (number % 2)}",
                "source": "Wire",
                "published_at": f"2025-11-{1 + number % 28:02d}T{number % 24:02d}:00:00Z",
            }
            stream.write(json.dumps(row) + "\n")
    return path


def test_kill_at_random_moments(url, tmp_path):
    path = articles_file(tmp_path / "in.jsonl")
    # The seed makes the moments differ from each other, not from run to run.
    moments = random.Random(7)
    survived = 0
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", IMPORT, url, path], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        time.sleep(moments.uniform(0, 0.5))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        with Store.open(url) as store:
            assert store.check() == ()
            kept = store.counts().articles
            assert kept >= survived
            survived = kept
    with Store.open(url) as store:
        counts = store.add(read_articles([path], print))
        assert counts.new + counts.unchanged == ROWS
        assert counts.updated == 0
        assert {one.external_id for one in store.articles()} == {str(n) for n in range(ROWS)}
        assert store.counts().articles == ROWS
        assert store.check() == ()
