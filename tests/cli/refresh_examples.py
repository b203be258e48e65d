"""Run the examples of docs/cli.md again and put their output in: ``python refresh_examples.py``.

Every ``console`` block is run line by line (what follows ``$``) in a folder with the demo's store
and a news file, in order, so that the page shows what the program says today.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/cli.md"
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
NEWS = """\
{"id": "a1", "title": "Spot Bitcoin ETFs lose $870 million in a day as investors pull out", \
"published_at": "2025-11-14T06:00:00Z", "desk": "markets"}
{"id": "a2", "title": "Treasury company Strategy buys 8,178 Bitcoin for $835.6 million"}
{"id": "a3", "title":
"""


def shown(line: str, folder: Path) -> str:
    """What a shell shows for a command line, standard error and exit code included."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "100",
        "UNDERTOW_DB": "sqlite:///demo/undertow.db",
    }
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env=environment,
        text=True,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    code = f"(exit code {done.returncode})\n" if done.returncode else ""
    # A reader has the repository somewhere else.
    output = done.stdout.replace(f"{ROOT}/", "")
    return f"$ {line}\n{output}{code}"


def refreshed(page: str, folder: Path) -> str:
    """The page with each block's output made anew."""

    def again(block: re.Match[str]) -> str:
        lines = [line[2:] for line in block[1].splitlines() if line.startswith("$ ")]
        return f"```console\n{''.join(shown(line, folder) for line in lines)}```"

    return BLOCK.sub(again, page)


if __name__ == "__main__":
    work = Path(sys.argv[1] if len(sys.argv) > 1 else "build/examples")
    work.mkdir(parents=True, exist_ok=True)
    for old in work.glob("*.jsonl*"):
        old.unlink()
    (work / "news.jsonl").write_text(NEWS, encoding="utf-8")
    if not (work / "demo/undertow.db").exists():
        shown("undertow demo", work)
    PAGE.write_text(refreshed(PAGE.read_text(encoding="utf-8"), work), encoding="utf-8")
