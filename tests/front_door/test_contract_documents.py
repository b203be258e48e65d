"""docs/ and code say the same: versions, fields, names, and the paths that documents name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from corpus.records import Article, PublishedFlag
from nlp.index import COLUMNS
from nlp.records import TAG_SCHEMA, TagRecord
from nlp.taxonomy import core_drivers, drivers


def _section(root: Path, heading: str) -> str:
    text = (root / "docs" / "contracts.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {re.escape(heading)}.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, heading
    return found.group(0)


def _first_column(section: str) -> list[str]:
    """Backticked names in the first column of the section's table, in order."""
    cells = re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]


def test_the_article_contract_names_every_field_and_flag(root: Path):
    section = _section(root, "Article")
    assert set(_first_column(section)) == set(Article.model_fields)
    assert all(f"`{flag}`" in section for flag in PublishedFlag)


def test_the_tag_contract_has_the_schema_and_fields_of_the_record(root: Path):
    section = _section(root, f"Tag record (schema {TAG_SCHEMA})")
    fields = [field.alias or name for name, field in TagRecord.model_fields.items()]
    assert _first_column(section) == fields


def test_the_index_contract_names_every_column(root: Path):
    assert _first_column(_section(root, "Index file")) == list(COLUMNS)


def test_the_taxonomy_has_the_drivers_of_the_contract():
    core = ["etf_flows", "treasury", "leverage", "macro"]
    assert [driver.name for driver in core_drivers()] == core
    assert [driver.name for driver in drivers()] == [*core, "regulation", "security", "adoption"]


def test_paths_that_documents_name_exist(root: Path, tracked: tuple[Path, ...]):
    missing = []
    for document in (path for path in tracked if path.suffix == ".md"):
        text = (root / document).read_text(encoding="utf-8")
        named = re.findall(r"`((?:corpus|nlp|models|service|tests|docs)/[\w./*-]*)`", text)
        missing += [f"{document}: {name}" for name in named if not list(root.glob(name))]
    assert missing == []


def test_no_tracked_file_names_a_path_of_one_machine(root: Path, tracked: tuple[Path, ...]):
    places = ("work", "root", "home", "Users", "opt")
    absolute = re.compile(rb"(?<![\w.~/-])/(?:%s)/\w" % "|".join(places).encode())
    wrong = [str(path) for path in tracked if absolute.search((root / path).read_bytes())]
    assert wrong == []


@pytest.mark.parametrize("name", ["LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md"])
def test_the_usual_documents_are_there(root: Path, name: str):
    assert (root / name).is_file()


def test_the_licence_is_the_plain_apache_one(root: Path):
    lines = (root / "LICENSE").read_text(encoding="utf-8").split("\n")
    assert lines[0].strip() == "Apache License"
    assert lines[1].strip() == "Version 2.0, January 2004"
    assert "   END OF TERMS AND CONDITIONS" in lines
