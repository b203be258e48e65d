"""The server against its own OpenAPI description, by schemathesis with all of its checks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

HOOKS = Path(__file__).with_name("description_hooks.py")
SETTINGS = Path(__file__).with_name("schemathesis.toml")
# Cases of a property-based kind an operation; `make describe` raises it.
EXAMPLES = int(os.environ.get("UNDERTOW_TEST_EXAMPLES", "4"))


def test_the_server_does_what_its_description_says(server, tmp_path):
    """Neither a wrong status nor a body of another shape, for right and for wrong calls.

    Time is not checked: machines differ.
    """
    command = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(SETTINGS)]
    command += ["run", f"{server.url}/openapi.json", f"--max-examples={EXAMPLES}", "--seed=3"]
    command += ["--checks=all", "--continue-on-failure"]
    command += [
        "--suppress-health-check=all",
        "--generation-database=none",
        "--no-color",
        "--request-timeout=120",
    ]
    run = subprocess.run(
        command,
        check=False,
        env=os.environ | {"SCHEMATHESIS_HOOKS": str(HOOKS)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    generated = re.search(r"(\d+) generated", run.stdout)
    assert generated is not None, run.stdout[-2000:]
    assert int(generated[1]) > 200
