"""``python -m corpus.sample``: serves the sample site until Ctrl-C, where demo reports link to."""

from __future__ import annotations

import sys
import threading

from corpus.errors import UndertowError
from corpus.sample import PREFERRED_PORT, sample_sources, serve_sample


def main() -> int:
    """Serves until interrupted; returns the exit code."""
    try:
        with serve_sample(PREFERRED_PORT) as base_url:
            sys.stdout.write(f"The sample site is at {base_url}/ (Ctrl-C ends it). Its feeds:\n")
            for source in sample_sources(base_url):
                sys.stdout.write(f"  {source.url}\n")
            sys.stdout.flush()
            threading.Event().wait()
    except UndertowError as problem:
        sys.stderr.write(f"{problem}\n")
        return problem.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
