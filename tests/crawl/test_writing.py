"""Visits write together, and what is wrong with one of them costs the others nothing."""

from __future__ import annotations

import asyncio
import threading

import pytest

from corpus.errors import InputError, StoreError
from corpus.records import AddCounts, FoundArticle
from corpus.store import Store
from corpus.writing import Writing


@pytest.fixture
def store(tmp_path):
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        yield opened


def article(number: int, url: str | None = None) -> FoundArticle:
    words = f"Alpha{number} beta{number} gamma{number} delta{number}"
    return FoundArticle(
        url=url or f"https://post.example/{number}", title=words, text=words, source="Post"
    )


def test_each_visit_is_told_what_became_of_its_own(store):
    async def run() -> list[AddCounts]:
        writing = Writing(store)
        return await asyncio.gather(
            *(writing.add([article(n), article(n + 1)], {}) for n in range(0, 200, 2)),
            writing.add([article(0)], {}),
        )

    counts = asyncio.run(run())
    assert counts == [AddCounts(new=2)] * 100 + [AddCounts(unchanged=1)]
    assert store.counts().articles == 200


def test_a_fault_in_what_one_visit_found_costs_the_others_nothing(store):
    async def run() -> list[AddCounts | BaseException]:
        writing = Writing(store)
        return await asyncio.gather(
            writing.add([article(1)], {}),
            writing.add([article(2, url="not a url")], {}),
            writing.add([article(3)], {}),
            return_exceptions=True,
        )

    first, second, third = asyncio.run(run())
    assert first == third == AddCounts(new=1)
    assert isinstance(second, InputError)
    assert store.counts().articles == 2


def test_a_store_that_fails_is_told_to_all_who_wrote(store, tmp_path):
    (tmp_path / "store.db").unlink()
    (tmp_path / "store.db").mkdir()
    store.close()

    async def run() -> list[AddCounts | BaseException]:
        writing = Writing(store)
        return await asyncio.gather(
            *(writing.add([article(n)], {}) for n in range(3)), return_exceptions=True
        )

    assert [type(one) for one in asyncio.run(run())] == [StoreError] * 3


def test_what_a_cancelled_visit_had_found_is_kept(store):
    let_go = threading.Event()

    async def run() -> None:
        writing = Writing(store)
        holder = asyncio.create_task(writing.do(let_go.wait))
        await asyncio.sleep(0)
        visit = asyncio.create_task(writing.add([article(1)], {}))
        await asyncio.sleep(0)
        visit.cancel()
        await asyncio.gather(visit, return_exceptions=True)
        assert visit.cancelled()
        let_go.set()
        await holder
        await writing.close()

    asyncio.run(run())
    assert store.counts().articles == 1
