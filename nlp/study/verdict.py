"""The verdict: plain sentences from the results by fixed rules, never stronger than they are.

A link is stated when its plan-wide permutation p-value is below the plan's significance and its
bootstrap interval leaves out zero; a lead in either direction needs the HAC regression beside it.
Whatever does not pass is said not to have been found, with the size that the sample could have
found. If placebos fire more often than chance allows, no link with that target is stated at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scipy import stats

from nlp.study.plan import Plan
from nlp.study.result import Cell, Missing, Placebo
from nlp.study.words import MEASURE, PERIOD, about, figures, name, periods, span, subject


def verdict(
    plan: Plan,
    frequency: str,
    cells: Sequence[Cell],
    placebos: Sequence[Placebo],
    missing: Sequence[Missing],
) -> tuple[str, ...]:
    """Sentences: placebos first, then each driver and asset, then what was not computed."""
    sentences = []
    for target in ("return", "volatility"):
        chosen = [one for one in placebos if one.target == target and one.kind != "unrelated_topic"]
        if chosen:
            sentences.append(_placebo_sentence(plan, chosen))
    trusted = not placebos_fired(plan, [one for one in placebos if one.target == "return"])
    for driver in plan.drivers:
        for asset in plan.assets:
            pair = [
                cell
                for cell in cells
                if (cell.driver, cell.asset, cell.target) == (driver, asset, "return")
            ]
            if pair:
                sentences.append(_pair(plan, PERIOD[frequency], pair, trusted=trusted))
                sentences.extend(_suspicions(plan, pair))
    sentences.extend(_volatility(plan, PERIOD[frequency], cells, placebos))
    for one in missing:
        if one.target == "return" and one.relation in (None, "contemporaneous"):
            sentences.append(f"{subject(one.driver)} and {one.asset}: not tested, {one.reason}.")
    return tuple(sentences)


def stated(plan: Plan, cell: Cell) -> bool:
    """Whether a cell passes the rules above (placebos aside)."""
    found = cell.p_plan < plan.significance and (cell.lower > 0 or cell.upper < 0)
    if cell.relation == "contemporaneous":
        return found
    return found and cell.regression.p_value < plan.significance


def placebos_fired(plan: Plan, placebos: Sequence[Placebo]) -> bool:
    """Whether more placebos are significant than chance gives in 99 of 100 studies (binomial).

    Unrelated topics are not counted: they may be linked without fault of the method.
    """
    counted = [one for one in placebos if one.kind != "unrelated_topic"]
    below = sum(one.p_value < plan.significance for one in counted)
    return bool(below > stats.binom.ppf(0.99, len(counted), plan.significance))


def _placebo_sentence(plan: Plan, placebos: Sequence[Placebo]) -> str:
    below = sum(one.p_value < plan.significance for one in placebos)
    target = placebos[0].target
    counted = (
        f"{below} of {len(placebos)} placebo tests on {target} fall below {plan.significance:.0%},"
        f" where chance gives about {len(placebos) * plan.significance:.1f}"
    )
    if placebos_fired(plan, placebos):
        return f"{counted}: the method fails on these data, so no link with {target} is stated."
    return f"{counted}."


def _pair(plan: Plan, period: str, cells: Sequence[Cell], *, trusted: bool) -> str:
    asset = cells[0].asset
    parts: list[str] = []
    for cell in cells:
        if cell.relation == "contemporaneous":
            parts.append(_same(plan, cell, period, trusted))
    predictive = [cell for cell in cells if cell.relation == "predictive"]
    if predictive:
        parts.append(_lead(plan, predictive, period, trusted))
    for cell in cells:
        if cell.relation == "price_leads":
            parts.append(_behind(plan, cell, period, trusted))
    return f"{subject(cells[0].driver)} and {asset}: {'; '.join(parts)}."


def _same(plan: Plan, cell: Cell, period: str, trusted: bool) -> str:
    if trusted and stated(plan, cell):
        word = "with" if cell.correlation > 0 else "against"
        return f"it moves {word} {cell.asset} the same {period} ({_figures(plan, cell)})"
    return f"no same-{period} link is shown ({_figures(plan, cell)}{_hint(plan, cell)})"


def _lead(plan: Plan, cells: Sequence[Cell], period: str, trusted: bool) -> str:
    found = [cell for cell in cells if trusted and stated(plan, cell)]
    if found:
        told = ", ".join(
            f"{'with' if cell.correlation > 0 else 'against'} the return over"
            f" {periods(cell.horizon, period)} from {periods(cell.lag, period)} on"
            f" ({_figures(plan, cell)})"
            for cell in found
        )
        return f"it runs ahead of {cells[0].asset}: {told}"
    first = min(cells, key=lambda cell: (cell.lag, cell.horizon))
    hints = [cell for cell in cells if cell is not first and _hint(plan, cell)]
    told = "".join(
        f"; over {periods(cell.horizon, period)} from {periods(cell.lag, period)} on"
        f" {_figures(plan, cell)}{_hint(plan, cell)}"
        for cell in hints
    )
    return (
        f"no lead over {first.asset} is shown (next {period} {_figures(plan, first)}"
        f"{_hint(plan, first)}{told};"
        f" this sample could have shown a correlation of {first.detectable:.2f})"
    )


def _behind(plan: Plan, cell: Cell, period: str, trusted: bool) -> str:
    if trusted and stated(plan, cell):
        return f"{cell.asset}'s return leads it by one {period} ({_figures(plan, cell)})"
    return f"that price leads it is not shown ({_figures(plan, cell)}{_hint(plan, cell)})"


def _volatility(
    plan: Plan, period: str, cells: Sequence[Cell], placebos: Sequence[Placebo]
) -> Iterator[str]:
    """Links of volatility one by one; what shows none, summed up in one sentence an asset."""
    trusted = not placebos_fired(plan, [one for one in placebos if one.target == "volatility"])
    for asset in plan.assets:
        chosen = [cell for cell in cells if (cell.asset, cell.target) == (asset, "volatility")]
        found = [cell for cell in chosen if trusted and stated(plan, cell)]
        for cell in found:
            told = about(cell.measure, cell.driver)
            yield f"{told} {_volatility_link(cell, period)} ({_figures(plan, cell)})."
        rest = [cell for cell in chosen if cell not in found]
        if rest:
            largest = max(rest, key=lambda cell: abs(cell.correlation))
            yield (
                f"Volatility of {asset}: {len(rest)} of {len(chosen)} tests show no link; the"
                f" largest of them is that with {MEASURE[largest.measure]}"
                f" {name(largest.driver)} ({_figures(plan, largest)}{_hint(plan, largest)}), and"
                " this sample could have shown correlations of"
                f" {span(cell.detectable for cell in rest)}."
            )


def _volatility_link(cell: Cell, period: str) -> str:
    more = cell.correlation > 0
    if cell.relation == "contemporaneous":
        return f"goes {'with' if more else 'against'} {cell.asset}'s volatility the same {period}"
    if cell.relation == "price_leads":
        return f"{'rises' if more else 'falls'} after a {period} of high {cell.asset} volatility"
    return (
        f"runs ahead of {'higher' if more else 'lower'} {cell.asset} volatility over"
        f" {periods(cell.horizon, period)} from {periods(cell.lag, period)} on, beyond what past"
        " volatility tells"
    )


def _hint(plan: Plan, cell: Cell) -> str:
    if cell.p_value < plan.significance <= cell.p_plan:
        return ", a hint that does not survive correction for the whole plan"
    return ""


def _suspicions(plan: Plan, cells: Sequence[Cell]) -> Iterator[str]:
    same = next((cell for cell in cells if cell.relation == "contemporaneous"), None)
    for cell in cells:
        if (
            same is not None
            and cell.relation == "predictive"
            and cell.horizon == 1
            and stated(plan, cell)
            and abs(cell.correlation) > abs(same.correlation)
        ):
            yield (
                f"Warning: {subject(cell.driver, lower=True)} goes with {cell.asset}'s later"
                " return more than with that of the same period. Prices stamped late or an index"
                " that knows the future look like this; check the time stamps before believing it."
            )
        if (
            same is not None
            and cell.relation == "price_leads"
            and stated(plan, cell)
            and not stated(plan, same)
            and abs(cell.correlation) > abs(same.correlation)
        ):
            yield (
                f"Warning: {subject(cell.driver, lower=True)} goes with {cell.asset}'s return of"
                " the period before and not with that of its own. Slow news looks like this, and"
                " so do prices stamped a bar early; check the time stamps before believing it."
            )


def _figures(plan: Plan, cell: Cell) -> str:
    return figures(plan.level, cell.correlation, cell.lower, cell.upper)
