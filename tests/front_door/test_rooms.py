"""The rooms' rules, read off the source: one-way flow, small modules, a quick command line."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

MOST_LINES = 450
HEAVY = ("torch", "pandas", "spacy", "onnxruntime", "sqlalchemy", "scipy", "altair", "fastapi")
MAY_IMPORT = {
    "corpus": {"corpus"},
    "models": {"models"},
    "nlp": {"nlp", "models", "corpus"},
    "service": {"service", "nlp", "models", "corpus"},
}


def _modules(root: Path, room: str) -> list[Path]:
    return sorted((root / room).rglob("*.py"))


def _rooms_imported(path: Path) -> set[str]:
    """Top-level names of every absolute import in the file, those inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add((node.module or "").partition(".")[0])
    return names & {*MAY_IMPORT, "tests"}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_data_flows_one_way(root: Path, room: str):
    modules = _modules(root, room)
    assert modules
    wrong = {
        str(path.relative_to(root)): sorted(_rooms_imported(path) - MAY_IMPORT[room])
        for path in modules
        if _rooms_imported(path) - MAY_IMPORT[room]
    }
    assert wrong == {}


def test_the_rule_sees_imports_inside_functions(tmp_path: Path):
    module = tmp_path / "wrong.py"
    module.write_text("def late():\n    from service.cli import main\n    import nlp.index\n")
    assert _rooms_imported(module) == {"service", "nlp"}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_modules_are_small(root: Path, room: str):
    lengths = {
        str(path.relative_to(root)): len(path.read_text(encoding="utf-8").splitlines())
        for path in _modules(root, room)
    }
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_the_command_line_starts_without_heavy_libraries():
    code = (
        f"import json, sys, service.cli; print(json.dumps(sorted({set(HEAVY)} & {{*sys.modules}})))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    assert json.loads(answer.stdout) == []
