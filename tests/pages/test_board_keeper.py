"""The board behind the pages: made once, kept in the store, renewed when news comes."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))
from made_up_news import NEWS, WEEK_START, bearish_week, fill, prices, usual_news

from corpus.errors import InputError
from corpus.store import Store
from service.pages.board import build_board
from service.pages.keeper import BoardKeeper


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with Store.open(f"sqlite:///{tmp_path_factory.mktemp('board') / 'news.db'}") as opened:
        fill(opened, [*usual_news(), *bearish_week()])
        opened.put_prices(prices())
        yield opened


def until_current(keeper):
    for _ in range(600):
        board, current = keeper.board(patience=0.5)
        if board is not None and current:
            return board
        time.sleep(0.1)
    raise AssertionError("no board was made")


def test_the_first_board_is_waited_for_a_little_and_a_new_server_has_it_at_once(store):
    keeper = BoardKeeper(store)
    assert keeper.board(patience=0.0) == (None, False)
    board = until_current(keeper)
    # Drawings number their parts anew each time.
    again = build_board(store).model_copy(update={"drawings": board.drawings})
    assert board == again
    anew, current = BoardKeeper(store).board(patience=0.0)
    assert (anew, current) == (board, True)


def test_the_old_board_stands_until_the_one_with_the_new_news_is_made(store):
    keeper = BoardKeeper(store)
    old = until_current(keeper)
    late = NEWS.make(90_000, WEEK_START.replace(month=12, day=7), probabilities={"macro": 1.0})
    fill(store, [late])
    shown, current = keeper.board(patience=0.0)
    assert (shown, current) == (old, False)
    new = until_current(keeper)
    assert new.report.composite.stories == old.report.composite.stories + 1


def test_the_board_agrees_with_the_report_and_the_days_add_up(store):
    board = until_current(BoardKeeper(store))
    week = [
        one for one in board.days if one.driver == "macro" and one.day >= board.report.start.date()
    ]
    row = next(row for row in board.report.drivers if row.name == "macro")
    assert sum(one.tagged for one in week) == row.reading.tagged
    assert len({one.story.story_id for one in board.top}) == len(board.top) >= 1
    assert {"overview", "pressure", "days.macro", "week.macro"} <= board.drawings.keys()


def test_what_keeps_a_board_from_being_made_is_told(tmp_path):
    with Store.open(f"sqlite:///{tmp_path / 'empty.db'}") as empty:
        keeper = BoardKeeper(empty)
        for _ in range(2):
            with pytest.raises(InputError, match="holds no articles"):
                keeper.board(patience=30)


def test_a_kept_board_of_another_form_is_made_anew(store):
    from service.pages.keeper import KEPT_AS

    store.keep(KEPT_AS, "of old", '{"report": 1}')
    keeper = BoardKeeper(store)
    assert keeper.board(patience=0.0)[0] is None
    until_current(keeper)


def test_the_script_is_made_once_and_calls_nothing_from_elsewhere(store):
    first = BoardKeeper(store).script()
    state, body = store.kept("pages.script")
    assert first.decode() == body
    store.keep("pages.script", state, "// kept")
    assert BoardKeeper(store).script() == b"// kept"
    assert len(first) < 2_000_000
