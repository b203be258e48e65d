"""The dashboard: pages made on the server, without scripts and without outside requests."""

from __future__ import annotations

from service.pages.routes import add_pages

__all__ = ["add_pages"]
