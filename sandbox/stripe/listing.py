"""Lists: newest first, walked by cursor, filtered by field and by time of creation."""

from collections.abc import Mapping

from .context import Context
from .errors import no_such, parameter_invalid
from .form import Params
from .store import FAR, Json, Page

LIMIT_DEFAULT = 10
LIMIT_MAX = 100


def listing(
    context: Context,
    params: Params,
    kind: str,
    url: str,
    filters: tuple[str, ...] = (),
    fixed: Mapping[str, list[str]] | None = None,
) -> Json:
    """The list object of a kind. `filters` may be asked for by parameter, `fixed` always hold."""
    wanted = dict(fixed or {})
    for name in filters:
        value = params.text(name)
        if value is not None:
            wanted[name] = [value]
    first, last = _created(params)
    newer = "ending_before" in params
    page = Page(kind, wanted, _limit(params) + 1, first, last, _edge(context, params, kind), newer)
    return enveloped(context.records.page(page), page, url)


def enveloped(found: list[Json], page: Page, url: str) -> Json:
    """The page asked for one object more than the caller did, to know whether more follow."""
    shown = found[: page.limit - 1]
    return {
        "object": "list",
        "data": shown[::-1] if page.newer else shown,
        "has_more": len(found) == page.limit,
        "url": url,
    }


def whole(data: list[Json], url: str) -> Json:
    """A list object that holds all there is."""
    return {"object": "list", "data": data, "has_more": False, "url": url}


def _limit(params: Params) -> int:
    limit = params.whole("limit")
    if limit is not None and not 1 <= limit <= LIMIT_MAX:
        raise parameter_invalid("limit", f"The limit must be between 1 and {LIMIT_MAX}.")
    return limit or LIMIT_DEFAULT


def _edge(context: Context, params: Params, kind: str) -> int:
    after, before = params.text("starting_after"), params.text("ending_before")
    if after and before:
        raise parameter_invalid("ending_before", "Send starting_after or ending_before, not both.")
    cursor = after or before
    if cursor is None:
        return FAR
    edge = context.records.sequence(cursor, kind)
    if edge is None:
        raise no_such(kind, cursor, "starting_after" if after else "ending_before", status=400)
    return edge


def _created(params: Params) -> tuple[int, int]:
    """First and last second, both included."""
    if not isinstance(params.tree.get("created"), dict):
        exact = params.whole("created")
        return (0, FAR) if exact is None else (exact, exact)
    bounds = params.inside("created")
    after, since = bounds.whole("gt"), bounds.whole("gte")
    before, until = bounds.whole("lt"), bounds.whole("lte")
    first = max(0 if since is None else since, 0 if after is None else after + 1)
    last = min(FAR if until is None else until, FAR if before is None else before - 1)
    return first, last
