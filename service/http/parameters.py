"""Query parameters that no handler knows are refused, so that a slip never widens an answer."""

from __future__ import annotations

from collections import Counter

from fastapi import Request
from fastapi.routing import APIRoute

from service.http.problems import wrong_field


async def refuse_unknown_parameters(request: Request) -> None:
    """Raise a problem for a parameter that the route does not have, or one that was given twice."""
    if not request.scope["query_string"]:
        return
    route = request.scope["route"]
    known = (
        {one.alias: one for one in route.dependant.query_params}
        if isinstance(route, APIRoute)
        else {}
    )
    given = request.query_params.multi_items()
    for name, value in given:
        if name not in known:
            ways = ", ".join(known) or "none"
            raise wrong_field(
                422, f"query.{name[:80]}", value, "there is no such parameter", f"known: {ways}"
            )
    for name, times in Counter(name for name, _ in given).items():
        if times > 1 and not _is_list(known[name].field_info.annotation):
            raise wrong_field(
                422,
                f"query.{name}",
                request.query_params.getlist(name),
                f"given {times} times",
                "give it once",
            )


def _is_list(annotation: object) -> bool:
    return "list[" in str(annotation)
