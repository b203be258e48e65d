"""The end of a listening socket, on real sockets of loopback."""

from __future__ import annotations

import socket
import sys
from contextlib import closing

import pytest

from service.http.listening import left_in_queue, turn_away_newcomers


@pytest.mark.skipif(sys.platform != "linux", reason="filters of sockets are Linux's")
def test_who_has_come_is_served_and_who_comes_after_is_refused_rather_than_reset():
    with closing(socket.create_server(("127.0.0.1", 0))) as listener, socket.socket() as late:
        address = listener.getsockname()
        with socket.create_connection(address) as early:
            early.sendall(b"hello")
            turn_away_newcomers(listener)
            late.settimeout(0.2)
            with pytest.raises(TimeoutError):
                late.connect(address)
            listener.setblocking(False)
            (served,) = left_in_queue(listener)
            listener.close()
            with served:
                served.setblocking(True)
                assert served.recv(5) == b"hello"
                served.sendall(b"bye")
            assert early.recv(3) == b"bye"
        with socket.socket() as later, pytest.raises(ConnectionRefusedError):
            later.connect(address)
