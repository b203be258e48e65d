"""The HTTP endpoint: tagging, articles, index, study and watch list, with the dashboard.

``create_app`` makes the application from a store and a tagger, ``serve`` runs it.
"""

from __future__ import annotations

from service.http.app import create_app
from service.http.keys import hash_key
from service.http.options import ServeOptions
from service.http.run import serve

__all__ = ["ServeOptions", "create_app", "hash_key", "serve"]
