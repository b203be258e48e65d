"""SIGTERM while clients ask without pause: what became of every request that was sent.

``python -m tests.kill_under_load TIMES [WORKERS]`` starts and stops as many servers and prints what
it found.
"""

from __future__ import annotations

import http.client
import json
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

CLIENTS = 24


@dataclass
class Outcome:
    """Counts of one run; ``lost`` says how each request was lost that was sent and not answered.

    A connection that was kept open may be closed by either side at any time, so a client sends a
    request again whose connection closed before any byte of an answer (RFC 9112, 9.3.1): such are
    counted as ``repeated`` and are lost only when the repetition, on a new connection, is. A
    refused connection (``refused``) never held a request.
    """

    answered: int = 0
    repeated: int = 0
    refused: int = 0
    lost: list[str] = field(default_factory=list)
    exit_code: int | None = None


def killed_under_load(url: str, process: subprocess.Popen[Any], *, seconds: float) -> Outcome:
    """Ask from many threads, end the server after ``seconds``, and tell what came of it."""
    place = urlsplit(url)
    found = Outcome()
    lock = threading.Lock()

    def ask() -> None:
        connection = None
        number = 0
        while True:
            number += 1
            body = json.dumps({"id": str(number), "title": f"Miner sells {number} BTC"})
            fresh = connection is None
            if connection is None:
                connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=60)
                try:
                    connection.connect()
                except OSError:
                    with lock:
                        found.refused += 1
                    return
            try:
                connection.request("POST", "/v1/tag", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                told = answer.read()
                good = answer.status == 200 and json.loads(told)["id"] == str(number)
                with lock:
                    found.answered += good
                    if not good:
                        found.lost.append(f"{answer.status}: {told[:80]!r}")
                if answer.will_close:
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException, ValueError) as error:
                connection.close()
                connection = None
                with lock:
                    if fresh:
                        found.lost.append(f"new connection: {error!r}")
                    elif isinstance(error, http.client.RemoteDisconnected | ConnectionError):
                        found.repeated += 1
                    else:
                        found.lost.append(f"kept connection: {error!r}")

    threads = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join()
    found.exit_code = process.wait(timeout=60)
    return found


def main(times: int, workers: int) -> None:
    chance = random.Random(1)
    undertow = str(Path(sys.executable).with_name("undertow"))
    every = Outcome()
    codes = set()
    with TemporaryDirectory() as folder:
        store = f"sqlite:///{folder}/empty.db"
        command = [undertow, "serve", "--port", "0", "--db", store, "--workers", str(workers)]
        for number in range(times):
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout is not None
                url = process.stdout.readline().split()[2]
                one = killed_under_load(url, process, seconds=chance.uniform(0.3, 1.5))
            every.answered += one.answered
            every.repeated += one.repeated
            every.refused += one.refused
            every.lost += [f"run {number}: {told}" for told in one.lost]
            codes.add(one.exit_code)
    sys.stdout.write(f"{times} runs with {workers} workers, exit codes {codes}: {every}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
