"""What every test may rely on."""

from __future__ import annotations

import signal

# A run in the background of a shell ignores Ctrl-C, and every process that it starts inherits that.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
