"""The end of a listening socket: nobody new is let in, and nobody who was is left behind.

When a listening socket closes, the system resets what it has connected and nobody has taken.
Between a last look at that queue and the close one more may come; so newcomers are turned away
first.
"""

from __future__ import annotations

import ctypes
import logging
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress

logger = logging.getLogger("service.http")

# Of <asm-generic/socket.h>; Python does not name it.
_SO_ATTACH_FILTER = 26
# A filter in classic BPF over the header of TCP, as socket(7) and the kernel's filter.rst tell:
# (code, jump if true, jump if false, value). It drops what has SYN and not ACK, and lets the rest
# through, so that a handshake that has begun still ends.
_FLAGS_BYTE, _SYN, _SYN_ACK = 13, 0x02, 0x12
_DROP_NEW = (
    (0x30, 0, 0, _FLAGS_BYTE),  # load the byte
    (0x54, 0, 0, _SYN_ACK),  # and
    (0x15, 0, 1, _SYN),  # equal?
    (0x06, 0, 0, 0),  # drop
    (0x06, 0, 0, 0xFFFFFFFF),  # keep whole
)


def turn_away_newcomers(listener: socket.socket) -> None:
    """Let no further connection begin on ``listener``, in all processes that share it, for good.

    Who tries hears nothing, tries again after a second as TCP does, and is refused once the socket
    is closed; what has begun comes into the queue. Only Linux can do this: elsewhere the queue
    grows until the socket closes, and a connection in the last moment may be reset.
    """
    if sys.platform != "linux":
        return
    program = b"".join(struct.pack("HBBI", *step) for step in _DROP_NEW)
    steps = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("HP", len(_DROP_NEW), ctypes.addressof(steps))
    try:
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, described)
    except OSError as error:  # a kernel or sandbox without filters
        logger.warning("newcomers cannot be turned away before the socket closes: %s", error)


def left_in_queue(listener: socket.socket) -> Iterator[socket.socket]:
    """The connections that the system has made and nobody has taken yet."""
    with suppress(OSError):  # none is left
        while True:
            connection, _ = listener.accept()
            connection.setblocking(False)
            yield connection
