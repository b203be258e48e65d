"""What Undertow's endpoint is measured against: a handler around transformers' pipeline.

``python -m tests.plain_endpoint PORT THREADS`` serves ``POST /v1/tag`` with a bert-base classifier
of random weights (their values change nothing about the time that they take).
"""

from __future__ import annotations

import sys

import torch
import transformers
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from nlp.tagger import SHIPPED


class News(BaseModel):
    id: str | None = None
    title: str | None = None
    text: str | None = None


def make_app() -> FastAPI:
    torch.manual_seed(0)
    network = transformers.BertForSequenceClassification(transformers.BertConfig(num_labels=7))
    words = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(SHIPPED / "tokenizer.json"), pad_token="[PAD]", model_max_length=512
    )
    classify = transformers.pipeline("text-classification", model=network.eval(), tokenizer=words)
    app = FastAPI()

    @app.post("/v1/tag")
    def tag(news: News) -> list[dict[str, object]]:
        text = " ".join(part for part in (news.title, news.text) if part)
        told: list[dict[str, object]] = classify(text, truncation=True, top_k=None)
        return told

    return app


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[2]))
    uvicorn.run(make_app(), port=int(sys.argv[1]), log_level="error")
