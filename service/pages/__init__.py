"""The dashboard."""

from fastapi import FastAPI


def add_pages(app: FastAPI) -> None:
    """Add the pages."""
