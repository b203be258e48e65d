"""What every test may rely on."""

from __future__ import annotations

import os
import signal

# A run in the background of a shell ignores Ctrl-C, and every process that it starts inherits that.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Each of several test processes would start a thread a processor for its products of matrices, and
# these threads wait for each other by spinning: training took three times as long.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
