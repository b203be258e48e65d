"""Keeps the board up to date behind the pages, so that no page waits for it to be made."""

from __future__ import annotations

import hashlib
import logging
import threading
from importlib.metadata import version
from typing import TYPE_CHECKING

from pydantic import ValidationError

from corpus.errors import UndertowError
from corpus.records import StoreState
from service.pages.board import Board, build_board
from service.pages.drawings import charts_script, own_script

if TYPE_CHECKING:
    from corpus.store import Store

logger = logging.getLogger(__name__)
# The name under which the store keeps the board; the number is that of its form.
KEPT_AS = "pages.board.2"
SCRIPT_KEPT_AS = "pages.script"


class BoardKeeper:
    """The newest board that is there; a newer one is made in a thread of its own when news came.

    The board is kept in the store too, so that a server that starts anew shows it at once.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._making: threading.Thread | None = None
        self._made_of: str | None = None
        self._board: Board | None = None
        self._failure: UndertowError | None = None
        self._script_lock = threading.Lock()
        self._script: bytes | None = None

    def board(self, *, patience: float) -> tuple[Board | None, bool]:
        """The board, null while the first one is made, and whether it is of the store as it is.

        Where none is there yet, ``patience`` seconds are waited for it. Raises the
        :class:`UndertowError` that keeps a board of the store as it is from being made.
        """
        state = _digest(self._store.state())
        with self._lock:
            if self._board is None and self._failure is None:
                self._take_kept()
            if self._made_of == state and self._failure is not None:
                raise self._failure
            if self._made_of != state and (self._making is None or not self._making.is_alive()):
                self._making = threading.Thread(
                    target=self._make, args=(state,), name="board", daemon=True
                )
                self._making.start()
            making = self._making
            waiting = self._board is None and making is not None
        if waiting and making is not None:
            making.join(patience)
        with self._lock:
            if self._board is None and self._failure is not None:
                raise self._failure
            return self._board, self._made_of == state

    def script(self) -> bytes:
        """The pages' script, made once for a version and kept in the store: it takes seconds."""
        with self._script_lock:
            if self._script is None:
                made_of = _fingerprint(f"{version('vl-convert-python')} {own_script()}")
                found = self._store.kept(SCRIPT_KEPT_AS)
                if found is None or found[0] != made_of:
                    found = (made_of, charts_script())
                    self._keep(SCRIPT_KEPT_AS, *found)
                self._script = found[1].encode()
            return self._script

    def _keep(self, name: str, state: str, body: str) -> None:
        try:
            self._store.keep(name, state, body)
        except UndertowError as error:
            # A store that may not be written to serves as well, but anew after each start.
            logger.warning("%s is not kept: %s", name, error.message)

    def _take_kept(self) -> None:
        found = self._store.kept(KEPT_AS)
        if found is None:
            return
        state, body = found
        try:
            self._board = Board.model_validate_json(body)
        except ValidationError:
            logger.info("the kept board is of another form and is made anew")
            return
        self._made_of = state

    def _make(self, state: str) -> None:
        board: Board | None = None
        failure: UndertowError | None = None
        try:
            board = build_board(self._store)
        except UndertowError as error:
            failure = error
        else:
            self._keep(KEPT_AS, state, board.model_dump_json(by_alias=True))
        with self._lock:
            self._made_of, self._failure = state, failure
            if board is not None:
                self._board = board


def _digest(state: StoreState) -> str:
    return _fingerprint(f"{version('undertow')} {state.model_dump_json()}")


def _fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
