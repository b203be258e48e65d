"""When sources are read again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from corpus.records import SourceState
from corpus.schedule import due_after_failure, due_after_success, max_age_seconds

NOW = datetime(2025, 11, 24, 12, 0, tzinfo=UTC)


def state(interval: timedelta, failures: int = 0) -> SourceState:
    return SourceState(
        name="Post",
        url="https://post.example/feed",
        last_attempt_at=NOW - interval,
        next_due_at=NOW,
        failures=failures,
    )


def test_interval_shrinks_with_news_and_grows_without_within_bounds():
    hour = timedelta(hours=1)
    assert due_after_success(None, now=NOW, new=5) == NOW + timedelta(minutes=30)
    assert due_after_success(state(hour), now=NOW, new=3) == NOW + hour / 2
    assert due_after_success(state(hour), now=NOW, new=0) == NOW + hour * 1.5
    soon = due_after_success(state(timedelta(minutes=10)), now=NOW, new=9)
    assert soon == NOW + timedelta(minutes=10)
    assert due_after_success(state(6 * hour), now=NOW, new=0) == NOW + 6 * hour


def test_wishes_of_the_feed_are_kept_up_to_a_day():
    assert due_after_success(None, now=NOW, new=1, ttl_minutes=120) == NOW + timedelta(hours=2)
    late = due_after_success(None, now=NOW, new=1, max_age_seconds=7200)
    assert late == NOW + timedelta(hours=2)
    capped = due_after_success(None, now=NOW, new=1, ttl_minutes=999_999)
    assert capped == NOW + timedelta(days=1)
    skipping = due_after_success(None, now=NOW, new=1, skip_hours=frozenset({12, 13}))
    assert skipping == NOW + timedelta(hours=2)


@pytest.mark.parametrize(("failures", "minutes"), [(1, 5), (2, 10), (5, 80), (50, 24 * 60)])
def test_pause_after_failures_doubles_with_a_spread(failures, minutes):
    pauses = {due_after_failure(failures, now=NOW) - NOW for _ in range(50)}
    middle = timedelta(minutes=minutes)
    assert all(0.75 * middle <= pause <= 1.25 * middle for pause in pauses)
    assert len(pauses) > 1


def test_wish_of_an_overloaded_server_is_kept_up_to_a_day():
    assert due_after_failure(1, now=NOW, retry_after_seconds=7200) == NOW + timedelta(hours=2)
    assert due_after_failure(1, now=NOW, retry_after_seconds=1e12) == NOW + timedelta(days=1)


def test_interval_starts_anew_after_failures():
    after = due_after_success(state(timedelta(hours=20), failures=4), now=NOW, new=0)
    assert after == NOW + timedelta(minutes=30)


def test_max_age_is_read():
    assert max_age_seconds("public, max-age=600") == 600
    assert max_age_seconds('max-age="60"') == 60
    assert max_age_seconds("s-maxage=600") is None
    assert max_age_seconds("") is None
