"""Feeds and pages of an invented outlet."""

from __future__ import annotations

BODY = "The fund took in coins again on Monday, and its managers said so in a short note. " * 6


def entry(
    path: str, title: str, text: str = "", date: str = "Mon, 24 Nov 2025 10:00:00 GMT"
) -> str:
    return (
        f"<item><title>{title}</title><link>{path}</link><pubDate>{date}</pubDate>"
        f"<content:encoded><![CDATA[{text}]]></content:encoded></item>"
    )


def feed(*entries: str) -> str:
    return (
        '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
        f"<title>P</title>{''.join(entries)}</channel></rss>"
    )


def article_page(title: str, about: str) -> str:
    paragraphs = "".join(
        f"<p>Paragraph {number} tells what {about} did on that day, and gives reason {number} for "
        "it in the words of those who ought to know.</p>"
        for number in range(8)
    )
    return f"<html lang='en'><body><article><h1>{title}</h1>{paragraphs}</article></body></html>"
