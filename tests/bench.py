"""``make bench``: seconds and peak memory of each step, each in a process of its own.

The demo is measured always; import, tag, index, study and report on real news where the shared data
lie beside the repository. ``python -m tests.bench 4000`` takes the newest 4,000 articles of it,
``all`` every one. Results go to ``bench-results/speed.json``, working files beside it.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
RESULTS = ROOT / "bench-results"
WORK = RESULTS / "work"
UNDERTOW = str(Path(sys.executable).with_name("undertow"))
DEFAULT_ARTICLES = "2000"
WEEK = "2025-W24"


@dataclass(frozen=True)
class Measure:
    """One step: wall-clock seconds and the peak memory of its process, in MiB."""

    step: str
    rows: int | None
    seconds: float
    peak_mib: float
    exit_code: int


def measure(step: str, *arguments: str, rows: int | None = None) -> Measure:
    """Run ``undertow`` with ``arguments`` in the working folder; its output goes to a log there."""
    with (WORK / "log.txt").open("a", encoding="utf-8") as log:
        began = time.perf_counter()
        process = subprocess.Popen(
            [UNDERTOW, *arguments], cwd=WORK, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    done = Measure(step, rows, seconds, usage.ru_maxrss / 1024, process.returncode)
    rate = f"{rows / seconds:9,.0f} rows/s" if rows else ""
    failed = f"  exit code {done.exit_code}: see log.txt" if done.exit_code else ""
    sys.stdout.write(f"{step:<16}{seconds:8.2f} s {done.peak_mib:8,.0f} MiB{rate}{failed}\n")
    sys.stdout.flush()
    return done


def newest_news(articles: str) -> tuple[list[str], int]:
    """Files of the shared news to import, or one of its newest rows, and the number of rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    paths = sorted((SHARED / "news").glob("*.parquet"))
    if articles == "all":
        return [str(path) for path in paths], sum(pq.read_metadata(path).num_rows for path in paths)
    table = pa.concat_tables([pq.read_table(path) for path in paths], promote_options="default")
    table = table.sort_by([("published_at", "descending")]).slice(0, int(articles))
    pq.write_table(table, WORK / "news.parquet")
    return ["news.parquet"], table.num_rows


def price_file() -> None:
    """Daily closes of the shared market data as a price file; a bar closes a day after it began."""
    import pandas as pd

    parts = []
    for asset in ("BTC", "ETH"):
        bars = pd.read_csv(SHARED / "market" / f"{asset.lower()}_daily.csv")
        closed = pd.to_datetime(bars["date"], utc=True) + pd.Timedelta(days=1)
        parts.append(
            pd.DataFrame(
                {"time": closed, "asset": asset, "close": bars["close_usd"], "currency": "USD"}
            )
        )
    pd.concat(parts).dropna().to_csv(WORK / "prices.csv", index=False)


def main(articles: str = DEFAULT_ARTICLES) -> int:
    """Measure every step that can be measured here; the exit code tells whether all succeeded."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    measures = [measure("--help", "--help"), measure("demo", "demo")]
    if SHARED.is_dir():
        files, rows = newest_news(articles)
        price_file()
        store = ["--db", "sqlite:///bench.db"]
        measures += [
            measure("import", "import", *files, *store, rows=rows),
            measure("import again", "import", *files, *store, rows=rows),
            measure("tag --db", "tag", *store, rows=rows),
            measure("prices import", "prices", "import", "prices.csv", *store),
            measure("index", "index", "--freq", "D", "--output", "index.parquet", *store),
            measure("study", "study", *store),
            measure("report", "report", "--week", WEEK, "--output", "report.html", *store),
        ]
    else:
        sys.stdout.write(
            "The shared data are not beside the repository: only the demo is measured.\n"
        )
    machine = {"processors": os.cpu_count(), "python": platform.python_version()}
    result = {"machine": machine, "measures": [asdict(one) for one in measures]}
    (RESULTS / "speed.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return max(one.exit_code != 0 for one in measures)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
