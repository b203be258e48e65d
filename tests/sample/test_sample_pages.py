"""The crawler's own reader on every page of the sample: the body, whole, and nothing else."""

from __future__ import annotations

import httpx

from corpus.pages import read_page
from corpus.sample import Archive


def test_every_page_reads_as_its_article(archive: Archive, base_url: str, client: httpx.Client):
    for article in archive.articles:
        answer = client.get(archive.path(article))
        page = read_page(
            answer.content,
            url=base_url + archive.path(article),
            content_type=answer.headers["content-type"],
        )
        assert page.problem is None, (article.slug, page.problem)
        assert page.text == "\n\n".join(article.paragraphs), article.slug
        assert page.title == article.title
        assert page.author == article.author
        assert page.language == article.language
        assert page.published_at == article.published_at
        assert not page.day_only
