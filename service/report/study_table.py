"""The tests of a study as a table: a row a driver and asset, a column a relation in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nlp.study import Cell
from service.report.records import StudySummary


@dataclass(frozen=True)
class ShownCell:
    """A test, and whether the verdict states it as a link."""

    cell: Cell
    stated: bool


@dataclass(frozen=True)
class StudyRow:
    """The tests of one driver's pressure against one asset's return, by relation."""

    driver: str
    asset: str
    cells: Mapping[str, ShownCell]


def study_rows(study: StudySummary) -> tuple[StudyRow, ...]:
    """One row a driver and asset, of the shortest horizon of each relation."""
    found: dict[tuple[str, str], dict[str, ShownCell]] = {}
    for place, cell in enumerate(study.cells):
        if cell.target != "return":
            continue
        row = found.setdefault((cell.driver, cell.asset), {})
        known = row.get(cell.relation)
        if known is None or cell.horizon < known.cell.horizon:
            row[cell.relation] = ShownCell(cell=cell, stated=place in study.stated)
    return tuple(
        StudyRow(driver=driver, asset=asset, cells=cells)
        for (driver, asset), cells in found.items()
    )
