"""The real server on a free port, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

_RUN = """
import json, sys
from service.http import ServeOptions, serve
from service.logs import configure_logs
told = json.loads(sys.argv[1])
configure_logs(as_json=True)
serve(
    port=0, db=told["db"], options=ServeOptions(**told["options"]), workers=told["workers"],
    on_listening=lambda address: print(address, flush=True),
)
"""


class Server:
    """A running server: its address, its process, and what it has logged so far."""

    def __init__(self, url: str, process: subprocess.Popen[str], log: Path) -> None:
        self.url, self.process, self._log = url, process, log

    def get(self, path: str, **more: Any) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", timeout=300, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return httpx.post(f"{self.url}{path}", timeout=300, **more)

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")


@contextmanager
def running(db: str, log: Path, *, workers: int = 1, **options: Any) -> Iterator[Server]:
    # A crowded machine may take longer than the usual deadline allows: no test is to measure that.
    options = {"deadline_seconds": 300} | options
    told = json.dumps({"db": db, "workers": workers, "options": options})
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", _RUN, told], stdout=subprocess.PIPE, stderr=errors, text=True
        )
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url, f"the server did not start: {log.read_text(encoding='utf-8')}"
            yield Server(url, process, log)
        finally:
            process.terminate()
            process.wait(timeout=300)
