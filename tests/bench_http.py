"""``python -m tests.bench_http PIECE``: requests a second and latencies of the endpoint.

Pieces: ``plain`` (against a plain handler around transformers' bert-base, 32 clients), ``rate``
(64 clients against the batch command), ``half`` (latency at half the greatest load, of requests at
random times and at even ones), ``overload`` (five times the greatest load). Each takes under three
minutes and adds its figures to ``bench-results/http.json``. ``UNDERTOW_THREADS`` bounds the threads
of the model. Items are 600 of the shared annotation, of all kinds, where it lies beside the
repository, else made-up headlines.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import mean, median
from typing import Any

import httpx

ROOT = Path(__file__).parents[1]
DEV = ROOT.parent / "shared" / "annotation" / "dev.jsonl"
RESULTS = ROOT / "bench-results"
WORK = RESULTS / "http"
THREADS = int(os.environ.get("UNDERTOW_THREADS", os.cpu_count() or 1))
OVERLOAD_SECONDS = 60

_BATCH = """
import sys, time
from pathlib import Path
from nlp.records import Item
from nlp.tagger import Tagger
from service.batch import prepare, tag_files
tagger = Tagger.load(threads=int(sys.argv[3]))
source, output = Path(sys.argv[1]), Path(sys.argv[2])
tagger.tag([Item(id="1", text="Bitcoin funds lost $9 million on Monday. Prices fell.")])
batch = prepare([source], output, overwrite=True)
nothing = lambda *_: None
began = time.perf_counter()
counts = tag_files(batch, tagger, on_problem=nothing, on_progress=nothing)
print(counts.rows / (time.perf_counter() - began))
"""
_SINGLE = """
import json, sys, time
from pathlib import Path
from nlp.records import Item
from nlp.tagger import Tagger
tagger = Tagger.load(threads=int(sys.argv[2]))
items = [Item(**json.loads(line)) for line in Path(sys.argv[1]).open()][:200]
tagger.tag(items[:20])
times = []
for item in items:
    began = time.perf_counter()
    tagger.tag([item])[0].to_json()
    times.append(time.perf_counter() - began)
print(json.dumps(times))
"""


def items() -> list[dict[str, str]]:
    if DEV.is_file():
        rows = [json.loads(line) for line in DEV.open(encoding="utf-8")]
        given = [{name: row[name] for name in ("id", "title", "text") if row[name]} for row in rows]
        # All kinds evenly mixed.
        return [given[number * 389 % len(given)] for number in range(len(given))]
    return [
        {"id": str(n), "title": f"Bitcoin funds take in ${n} million on Monday"} for n in range(999)
    ]


def python(code: str, *arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@contextmanager
def serving() -> Iterator[tuple[str, int]]:
    """The address of a server on an empty store, and its process."""
    environment = os.environ | {
        "UNDERTOW_DB": f"sqlite:///{WORK / 'empty.db'}",
        "UNDERTOW_THREADS": str(THREADS),
    }
    undertow = str(Path(sys.executable).with_name("undertow"))
    command = [undertow, "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[2], process.pid
        finally:
            process.terminate()


@contextmanager
def plain_serving() -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.plain_endpoint", "8977", str(THREADS)], cwd=ROOT
    ) as process:
        try:
            url = "http://127.0.0.1:8977"
            while True:
                try:
                    httpx.post(f"{url}/v1/tag", json={"title": "Bitcoin falls"}, timeout=60)
                    break
                except httpx.HTTPError:
                    time.sleep(0.5)
            yield url
        finally:
            process.terminate()


def start_load(url: str, **plan: Any) -> subprocess.Popen[str]:
    told = {"url": url, "path": "/v1/tag", "bodies": str(WORK / "bodies.jsonl"), **plan}
    # On the same processors a client that comes late would measure its own lateness.
    first = ["nice", "-n", "-15"] if os.geteuid() == 0 else []
    return subprocess.Popen(
        [*first, sys.executable, "-m", "tests.load", json.dumps(told)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def ended_load(process: subprocess.Popen[str]) -> dict[str, Any]:
    told, _ = process.communicate()
    found: dict[str, Any] = json.loads(told)
    return found


def put_load(url: str, **plan: Any) -> dict[str, Any]:
    return ended_load(start_load(url, **plan))


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def figures(load: dict[str, Any], *, seconds: float, warm: float = 2.0) -> dict[str, Any]:
    """Rate of good answers and latencies in ms, after ``warm`` seconds."""
    first = min(began for began, _, _ in load["told"]) + warm
    kept = [row for row in load["told"] if row[0] + row[1] >= first]
    good = [took for _, took, status in kept if status == 200]
    refused = [took for _, took, status in kept if status == 503]
    return {
        "good_per_second": round(len(good) / (seconds - warm), 1),
        "p50_ms": round(1000 * percentile(good, 0.5), 1),
        "p99_ms": round(1000 * percentile(good, 0.99), 1),
        "refused": len(refused),
        "refused_p99_ms": round(1000 * percentile(refused, 0.99), 1),
        "other": sum(status not in {200, 503} for _, _, status in kept),
        "generator_cpu_share": round(load["cpu_seconds"] / seconds, 3),
    }


def plain() -> dict[str, Any]:
    with plain_serving() as url:
        theirs = figures(put_load(url, clients=32, seconds=40), seconds=40)
    with serving() as (url, _):
        put_load(url, clients=32, seconds=3)
        ours = figures(put_load(url, clients=32, seconds=20), seconds=20)
    return {
        "plain": theirs,
        "undertow": ours,
        "times_the_rate": round(ours["good_per_second"] / theirs["good_per_second"], 1),
        "share_of_p99": round(ours["p99_ms"] / theirs["p99_ms"], 3),
    }


def rate() -> dict[str, Any]:
    batch, served = [], []
    for _ in range(2):
        arguments = (str(WORK / "bodies.jsonl"), str(WORK / "tags.jsonl"), str(THREADS))
        batch.append(python(_BATCH, *arguments))
        with serving() as (url, _):
            put_load(url, clients=64, seconds=3)
            served.append(figures(put_load(url, clients=64, seconds=15), seconds=15))
    share = mean(one["good_per_second"] for one in served) / mean(batch)
    return {"batch_per_second": batch, "served": served, "share_of_batch": round(share, 3)}


def half() -> dict[str, Any]:
    single = python(_SINGLE, str(WORK / "bodies.jsonl"), str(THREADS))
    with serving() as (url, _):
        put_load(url, clients=64, seconds=3)
        most = figures(put_load(url, clients=64, seconds=12), seconds=12)["good_per_second"]
        plan = {"rate": most / 2, "connections": 500, "seconds": 30}
        even = figures(put_load(url, even=True, **plan), seconds=30)
        found = figures(put_load(url, **plan), seconds=30)
    reference = 1000 * mean(single)
    return {
        "single_mean_ms": round(reference, 1),
        "single_median_ms": round(1000 * median(single), 1),
        "single_p99_ms": round(1000 * percentile(single, 0.99), 1),
        "most_per_second": most,
        **found,
        "even": even,
        "even_p99_by_single_mean": round(even["p99_ms"] / reference, 2),
        "p99_by_single_mean": round(found["p99_ms"] / reference, 2),
        "p99_by_single_p99": round(found["p99_ms"] / 1000 / percentile(single, 0.99), 2),
    }


def memory_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def overload() -> dict[str, Any]:
    with serving() as (url, pid):
        put_load(url, clients=64, seconds=3)
        most = figures(put_load(url, clients=64, seconds=12), seconds=12)["good_per_second"]
        before = memory_mib(pid)
        process = start_load(url, rate=5 * most, connections=4000, seconds=OVERLOAD_SECONDS)
        sizes = []
        while process.poll() is None and len(sizes) < OVERLOAD_SECONDS:
            time.sleep(1)
            sizes.append(memory_mib(pid))
        load = ended_load(process)
        after = put_load(url, clients=64, seconds=8)
    start = min(began for began, _, _ in after["told"])
    ends = [began + took - start for began, took, status in after["told"] if status == 200]
    by_second = [sum(low <= end < high for end in ends) for low, high in pairwise(range(9))]
    return {
        "most_per_second": most,
        **figures(load, seconds=OVERLOAD_SECONDS),
        "sent_per_second": round(len(load["told"]) / OVERLOAD_SECONDS, 1),
        "unsent": load["unsent"],
        "memory_before_mib": round(before),
        "memory_by_ten_seconds_mib": [round(size) for size in sizes[::10]],
        "good_by_second_afterwards": by_second,
    }


PIECES = {"plain": plain, "rate": rate, "half": half, "overload": overload}


def main(piece: str) -> None:
    WORK.mkdir(parents=True, exist_ok=True)
    (WORK / "empty.db").unlink(missing_ok=True)
    lines = [json.dumps(item) for item in items()]
    (WORK / "bodies.jsonl").write_text("\n".join(lines[:600]), encoding="utf-8")
    found = {"threads": THREADS, "processors": len(os.sched_getaffinity(0)), **PIECES[piece]()}
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    path = RESULTS / "http.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps(kept | {piece: found}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
