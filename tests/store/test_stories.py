"""Stories: copies share one, reports that differ only in figures do not."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from corpus.figures import figures_conflict, figures_in
from corpus.stories import bands, likeness, sketch

SHARED = Path(__file__).parents[2].parent / "shared"
SEEN = datetime(2025, 11, 20, 12, tzinfo=UTC)
DAY = datetime(2025, 11, 12, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)

TITLE = "Spot bitcoin funds lose $870 million as holders cut risk"
TEXT = (
    "US spot bitcoin funds saw net outflows of $870 million on Thursday, the second largest day of"
    " redemptions since they began trading, as holders cut risk ahead of delayed inflation data."
    " Every large issuer lost assets, and the largest fund alone gave up a third of the total."
)


@pytest.fixture
def report(found):
    def make(number: int, hours: float = 0.0, **fields):
        given = {"title": TITLE, "text": TEXT, "source": f"Outlet {number}", **fields}
        return found(number, published_at=DAY + hours * HOUR, **given)

    return make


def stories(store) -> list[int]:
    """The sizes of the stories, largest first."""
    return sorted(Counter(one.story_id for one in store.articles()).values(), reverse=True)


def test_syndicated_and_lightly_edited_copies_share_the_story_of_the_first(store, report):
    edited = TEXT.replace("the second largest day of", "the second-biggest day of").replace(
        "as holders cut", "while holders cut"
    )
    counts = store.add(
        [
            report(2, 5, text=edited, title="Bitcoin funds lose $870 million as holders cut risk"),
            report(1),
            report(3, 30),
            report(4, 2, title="Holders cut risk: spot bitcoin funds shed $870M"),
        ],
        seen_at=SEEN,
    )
    assert (counts.new, counts.copies) == (4, 3)
    (story_id,) = {one.story_id for one in store.articles()}
    head = store.article(story_id)
    assert head.source == "Outlet 1"
    assert store.story(story_id)[0] == head
    first, *others = store.story_matches(story_id)
    assert (first.article_id, first.matched_id, first.score) == (story_id, None, None)
    assert all(other.matched_id and 0.5 <= other.score <= 1 for other in others)


def test_copies_that_come_in_another_run_join_and_change_no_id(store, report):
    store.add([report(1, 10)], seen_at=SEEN)
    (head,) = store.articles()
    counts = store.add([report(2), report(3, 20)], seen_at=SEEN + HOUR)
    assert counts.copies == 2
    assert {one.story_id for one in store.articles()} == {head.id}


def test_two_days_reports_that_differ_only_in_figures_are_two_stories(store, report):
    other = TEXT.replace("$870 million", "$492 million").replace("Thursday", "Friday")
    store.add(
        [report(1), report(2, 24, title=TITLE.replace("870", "492"), text=other)], seen_at=SEEN
    )
    assert stories(store) == [1, 1]


def test_the_same_title_with_other_figures_in_the_text_is_another_story(store, report):
    title = "Daily flows of the spot bitcoin exchange funds"
    other = TEXT.replace("$870 million", "$492 million")
    store.add([report(1, title=title), report(2, 24, title=title, text=other)], seen_at=SEEN)
    assert stories(store) == [1, 1]


def test_a_copy_after_more_than_72_hours_is_a_story_of_its_own(store, report):
    store.add([report(1), report(2, 72), report(3, 73)], seen_at=SEEN)
    assert stories(store) == [2, 1]


def test_the_same_furniture_under_unlike_titles_is_no_story(store, report):
    letter = "Good morning from the desk, here is all you need to know today about the market."
    titles = (
        "Miners sell coins to pay for machines",
        "Regulator opens talks on custody",
        "Stablecoin supply reaches a record",
    )
    store.add(
        [report(n, 24 * n, title=title, text=letter) for n, title in enumerate(titles)],
        seen_at=SEEN,
    )
    assert stories(store) == [1, 1, 1]


def test_titles_that_name_unlike_things_are_no_copies(store, report):
    text = "Earn tokens of {} on the exchange by staking two other coins from Monday on, it said."
    store.add(
        [
            report(n, title=f"Earn {name} tokens on the exchange by staking coins", text=filled)
            for n, name in enumerate(("Alphacoin", "Betacoin"))
            for filled in [text.format(name)]
        ],
        seen_at=SEEN,
    )
    assert stories(store) == [1, 1]


def test_the_order_of_coming_does_not_change_who_belongs_together(store, report, found):
    given = [report(n, n * 3, text=TEXT + f" Note {'x' * n}") for n in range(6)]
    given += [found(100 + n, published_at=DAY + n * HOUR) for n in range(50)]
    store.add(given[::-2], seen_at=SEEN)
    store.add(given[-2::-2], seen_at=SEEN)
    assert stories(store) == [6] + [1] * 50


def test_a_text_that_comes_later_finds_later_copies(store, report):
    store.add([report(1, text=None, title="A headline of other words for it")], seen_at=SEEN)
    store.add([report(1, title="A headline: spot bitcoin funds lose $870 million")], seen_at=SEEN)
    assert store.add([report(2, 1)], seen_at=SEEN).copies == 1


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("$870 million", {"8.7E+8"}),
        ("$870M and 0.87bn", {"8.7E+8"}),
        ("1,234.5 BTC", {"1234.5"}),
        ("up 3% in May, not may", {"3", "may"}),
        ("on Thursday, 13 November", {"13", "thu", "nov"}),
        ("no figure here", set()),
        ("7" * 40, set()),
    ],
)
def test_figures_are_read_by_value(text, figures):
    assert set(figures_in(text)) == figures


@pytest.mark.parametrize(
    ("a", "b", "conflict"),
    [
        ("$870M", "$866.7 million", False),
        ("$10.6 million", "$11M", False),
        ("$10.6 million", "$10M", True),
        ("$870 million", "$492 million", True),
        ("June 12", "June 9", True),
        ("Monday", "Tuesday", True),
        ("$870 million on Monday", "$870 million", False),
        ("", "5 ways", False),
        ("681,260", "655,010", True),
    ],
)
def test_figures_conflict_when_each_side_has_its_own(a, b, conflict):
    assert figures_conflict(figures_in(a), figures_in(b)) is conflict
    assert figures_conflict(figures_in(b), figures_in(a)) is conflict


def test_keys_never_change_since_stores_keep_them():
    keys = bands(sketch(TITLE, TEXT))
    assert len(keys) == len(set(keys)) == 19
    assert sum(keys) % 1_000_003 == 874039


def test_judged_pairs():
    path = SHARED / "annotation" / "pairs-dev.jsonl"
    if not path.exists():
        pytest.skip("needs ../shared/annotation/pairs-dev.jsonl")
    outcome: Counter[tuple[str, bool]] = Counter()
    for line in path.read_text().splitlines():
        pair = json.loads(line)
        a, b = (sketch(pair[side]["title"], pair[side]["text"]) for side in "ab")
        times = [datetime.fromisoformat(pair[side]["published_at"]) for side in "ab"]
        is_copy = bool(set(bands(a)) & set(bands(b))) and (
            likeness(a, b, times[0] - times[1], same_outlet=False).copy is not None
        )
        outcome[pair["label"], is_copy] += 1
    assert outcome["copy", True] / (outcome["copy", True] + outcome["copy", False]) >= 0.97
    assert outcome["related", True] + outcome["different", True] == 0


def test_a_new_headline_on_a_day_only_piece_is_not_taken_for_the_same_edition(store, report):
    titles = ("Judge rules on token sales of Ripple", "Ripple head speaks of bully after ruling")
    store.add(
        [
            report(n, title=title, text="Markets and politics.", day_only=True)
            for n, title in enumerate(titles)
        ],
        seen_at=SEEN,
    )
    assert stories(store) == [1, 1]
