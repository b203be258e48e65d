"""A crawl of failing outlets that is killed again and again loses nothing and doubles nothing."""

from __future__ import annotations

import os

import pytest
from kill_runs import cycle


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that can be forked")
def test_nothing_is_lost_or_doubled(server, tmp_path):
    killed, crawls = cycle(f"sqlite:///{tmp_path / 'crawl.db'}", server, seed=7)
    assert killed > 0
    assert crawls < 7
