"""Kill ``undertow tag`` at random moments and resume it: the output must have the very same bytes.

``python tests/batch/kill_often.py 100`` does it a hundred times; the tests do it a few times. Each
run is a fork of one process that holds the model, so that hundreds are cheap.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

CHUNK = 2


def tag(tagger, source: Path, output: Path, *, resume: bool) -> None:
    """Tag as the command does, in small chunks."""
    from service.batch import prepare, tag_files

    batch = prepare([source], output, resume=resume)
    if batch is not None:
        nothing = lambda _: None  # noqa: E731 - nobody listens
        tag_files(batch, tagger, on_problem=nothing, on_progress=nothing, chunk=CHUNK)


def forked(tagger, source: Path, output: Path) -> int:
    """The number of a process that tags, or goes on."""
    child = os.fork()
    if child:
        return child
    try:
        tag(tagger, source, output, resume=True)
        os._exit(0)
    except BaseException:
        os._exit(1)


def kill_and_resume(tagger, source: Path, folder: Path, moments: list[float]) -> int:
    """Kill a run after each of ``moments`` (shares of a whole run), then let it end.

    Gives how many of the processes were killed; raises AssertionError when bytes differ.
    """
    whole = folder / f"whole{source.suffix}"
    began = time.monotonic()
    tag(tagger, source, whole, resume=False)
    lasts = time.monotonic() - began
    killed = 0
    for number, moment in enumerate(moments):
        output = folder / f"out{number}.jsonl"
        child = forked(tagger, source, output)
        time.sleep(moment * lasts)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        killed += os.WIFSIGNALED(status)
        # It must find its way from whatever was left behind.
        _, status = os.waitpid(forked(tagger, source, output), 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert output.read_bytes() == whole.read_bytes(), f"bytes differ after {moment:.3f}"
        left = [path.name for path in folder.glob(f"{output.name}.*")]
        assert left == [], left
    return killed


def main(times: int, seed: int = 7) -> None:
    """Kill as many runs and tell what came of it."""
    from batch_news import news, write_jsonl

    from nlp.tagger import Tagger

    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = write_jsonl(folder / "news.jsonl", news(24))
        moments = [draw.uniform(0.0, 1.0) for _ in range(times)]
        killed = kill_and_resume(Tagger.load(threads=1), source, folder, moments)
    sys.stdout.write(
        f"{times} runs, {killed} killed before their end: every output has the same bytes\n"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
