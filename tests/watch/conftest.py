"""The maker of tagged articles of the index tests, for the watch list."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def news() -> Any:
    path = Path(__file__).parents[1] / "index" / "conftest.py"
    spec = importlib.util.spec_from_file_location("tagged_news_for_watch", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.News
