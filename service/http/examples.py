"""What the description of the API shows: an answer of each way in."""

from __future__ import annotations

from typing import Any

ARTICLE_ID = "3f9c2a7be01d45c6a8b9"
MODEL = "undertow-drivers@1.3.0"
TITLE = "Bitcoin funds lose $870 million in a day"

ITEM: dict[str, Any] = {
    "id": "a-1",
    "title": TITLE,
    "text": "Investors pulled $870 million from US spot bitcoin funds on Thursday.",
    "published_at": "2025-11-14T08:00:00Z",
}
RECORD: dict[str, Any] = {
    "id": "a-1",
    "schema": 2,
    "model": MODEL,
    "language": "en",
    "relevant": True,
    "sentiment": {
        "label": "bearish",
        "score": -0.96,
        "probabilities": {"bearish": 0.97, "neutral": 0.02, "bullish": 0.01},
    },
    "drivers": [
        {
            "driver": "etf_flows",
            "probability": 0.98,
            "stance": "bearish",
            "stance_score": -0.97,
            "evidence": [{"field": "title", "start": 0, "end": 40, "text": TITLE}],
        }
    ],
    "uncertain": [],
    "probabilities": {"etf_flows": 0.98, "treasury": 0.02, "leverage": 0.01, "macro": 0.01},
    "amounts": [
        {
            "kind": "net_flow",
            "driver": "etf_flows",
            "value": -870000000.0,
            "unit": "USD",
            "side": None,
            "period": "2025-11-13",
            "asset": "BTC",
            "realised": True,
            "scope": {"funds": "all", "length": "day", "products": False},
            "teaser": False,
            "field": "title",
            "start": 19,
            "end": 31,
            "text": "$870 million",
        }
    ],
    "entities": [{"id": "BTC", "type": "asset", "field": "title", "start": 0, "end": 7}],
}
FAILURE: dict[str, Any] = {
    "id": "2",
    "schema": 2,
    "model": MODEL,
    "error": "no words in title or text",
}
ARTICLE: dict[str, Any] = {
    "id": ARTICLE_ID,
    "url": "https://news.example/bitcoin-funds",
    "title": TITLE,
    "text": ITEM["text"],
    "summary": None,
    "source": "News Example",
    "author": None,
    "language": "en",
    "published_at": "2025-11-14T08:00:00Z",
    "published_claimed": "2025-11-14T08:00:00Z",
    "published_flag": "exact",
    "first_seen_at": "2025-11-14T08:05:00Z",
    "updated_at": "2025-11-14T08:05:00Z",
    "content_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "story_id": ARTICLE_ID,
    "external_id": None,
}
ARTICLE_PAGE = {"articles": [ARTICLE], "next": ARTICLE_ID}
ARTICLE_WITH_TAGS = {
    "article": ARTICLE,
    "story": [ARTICLE_ID],
    "tags": RECORD | {"id": ARTICLE_ID},
}
STORY = {"story_id": ARTICLE_ID, "articles": [ARTICLE]}
INDEX: dict[str, Any] = {
    "columns": ["period_start", "frequency", "asset", "driver", "stories", "pressure"],
    "rows": [
        {
            "period_start": "2025-11-10T00:00:00Z",
            "frequency": "W",
            "asset": "all",
            "driver": "etf_flows",
            "stories": 120,
            "pressure": -1.4,
        }
    ],
}
STUDY: dict[str, Any] = {
    "schema_version": 1,
    "frequency": "D",
    "cells": [],
    "verdict": ["No driver moves ahead of the price beyond what chance gives."],
}
WATCH: list[dict[str, Any]] = [
    {
        "variable": "treasury",
        "title": "Do companies that hold bitcoin keep buying?",
        "state": "selling",
        "since": "2025-11-17",
        "sentence": "Sales of holders were reported on 17 November 2025.",
        "figures": [],
        "evidence": [],
    }
]
MODELS = {
    "serving": MODEL,
    "stored": [{"identity": MODEL, "articles": 1200, "last_tagged_at": "2025-11-24T06:00:00Z"}],
}
PROBLEM = {
    "type": "about:blank",
    "title": "Unprocessable Entity",
    "status": 422,
    "detail": 'titel: there is no such field (given: "Fed holds rates")',
    "instance": "/v1/tag",
    "request_id": "7d3facb5cb9e41f6b1a7107f35d04363",
    "remedy": "leave it out; /openapi.json lists what there is",
    "errors": [
        {
            "field": "titel",
            "value": '"Fed holds rates"',
            "problem": "there is no such field",
            "remedy": "leave it out; /openapi.json lists what there is",
        }
    ],
}


def answer(example: object, **more: Any) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route whose answer in JSON looks like ``example``."""
    return {200: {"content": {"application/json": {"example": example, **more}}}}
