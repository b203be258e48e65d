"""Publication times as outlets write them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from corpus.dates import parse_date


@pytest.mark.parametrize(
    ("stated", "meant"),
    [
        ("Mon, 24 Nov 2025 10:11:12 +0000", "2025-11-24T10:11:12"),
        ("Mon, 24 Nov 2025 10:11:12 EST", "2025-11-24T15:11:12"),
        ("Mon, 24 Nov 25 10:11:12 GMT", "2025-11-24T10:11:12"),
        ("2025-11-24T10:11:12.345+05:30", "2025-11-24T04:41:12"),
        ("2025-11-24T10:11:12-0500", "2025-11-24T15:11:12"),
        ("2025-11-24 10:11", "2025-11-24T10:11:00"),
        ("20251124T101112Z", "2025-11-24T10:11:12"),
        ("2025-11-24T10:11:12-05:00Z", "2025-11-24T15:11:12"),
        ("Nov. 24, 2025 5:11 p.m. ET", "2025-11-24T22:11:00"),
        ("July 4, 2025 5:11 p.m. ET", "2025-07-04T21:11:00"),
        ("12:05 AM, Nov 24 2025", "2025-11-24T00:05:00"),
        ("Mon, 24 Nov 2025 10:00:00 Europe/Berlin", "2025-11-24T09:00:00"),
        ("Mo, 24. Nov 2025 10:00 MEZ", "2025-11-24T09:00:00"),
        ("1763978400", "2025-11-24T10:00:00"),
        ("1763978400000", "2025-11-24T10:00:00"),
        ("Fri, 21 Nov 2025 24:00:00 GMT", "2025-11-22T00:00:00"),
        ("2025-11-24T10:00:00+15:00", "2025-11-23T19:00:00"),
    ],
)
def test_clock_times_are_read_with_their_zone(stated, meant):
    parsed = parse_date(stated)
    assert parsed is not None
    assert parsed.time == datetime.fromisoformat(meant).replace(tzinfo=UTC)
    assert not parsed.day_only


@pytest.mark.parametrize(
    ("stated", "meant"),
    [
        ("2025-11-24", "2025-11-24"),
        ("24.11.2025", "2025-11-24"),
        ("04/11/2025", "2025-04-11"),  # slashes: month first
        ("04.11.2025", "2025-11-04"),  # dots: day first
        ("Tue, 04/11/2025", "2025-11-04"),  # unless the weekday says otherwise
        ("24/11/2025", "2025-11-24"),  # or the number does
        ("Nov 24th, 2025", "2025-11-24"),
        ("24 de noviembre de 2025", "2025-11-24"),
        ("mar. 4 mars 2025", "2025-03-04"),
        ("24 ноября 2025", "2025-11-24"),
        ("2025年11月24日", "2025-11-24"),
        ("November 2025", "2025-11-01"),
    ],
)
def test_days_without_a_clock_are_marked(stated, meant):
    parsed = parse_date(stated)
    assert parsed is not None
    assert (parsed.time.date().isoformat(), parsed.day_only) == (meant, True)
    assert parsed.time.timetz().isoformat() == "00:00:00+00:00"


@pytest.mark.parametrize(
    "stated",
    [
        "",
        "yesterday",
        "3 hours ago",
        "2025-13-01",
        "31 Apr 2025",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "0001-01-01T00:00:00Z",
        "0",
        "not a date",
        "9" * 5000,
        "24 Nov 2025 " * 1000,
        "2025-11-24T99:99:99Z",
    ],
)
def test_what_states_no_time_gives_none(stated):
    assert parse_date(stated) is None


def test_future_times_are_returned_as_stated():
    parsed = parse_date("Fri, 01 Jan 2100 10:00:00 GMT")
    assert parsed is not None
    assert parsed.time == datetime(2100, 1, 1, 10, tzinfo=UTC)


def test_odd_forms_collected_from_feed_readers(shared):
    forms = json.loads((shared / "vectors" / "miniflux_dates.json").read_text(encoding="utf-8"))
    for stated, seconds in forms["exact_unix"]:
        parsed = parse_date(stated)
        assert parsed is not None, stated
        assert parsed.time.timestamp() == int(seconds), stated
    unread = [
        stated
        for stated in forms["must_parse"] + forms["out_of_range_tz"]
        if parse_date(stated) is None
    ]
    assert unread == []
