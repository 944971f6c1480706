"""The desk's pages: act with a reason, work lists, search, an account's story."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache

from accounts.access import user_of
from accounts.models import Account
from billing import ledger
from billing.models import Hold
from config import table_names
from generations.desk import actions, finding, lists, story
from generations.desk.actions import REFUSALS, Action, Asked
from generations.desk.lists import WorkList
from generations.models import Generation
from generations.reports.tables import Sort, shown

THINGS_MAX = 100
STORY = "accounts.view_account"

Page = Callable[..., HttpResponse]


def urls(site: AdminSite) -> list[URLPattern]:
    """Return the desk's addresses."""

    def of_site(page: Page) -> Page:
        def inner(request: HttpRequest, **parts: Any) -> HttpResponse:
            return page(request, site.each_context(request), **parts)

        return site.admin_view(never_cache(inner))

    return [
        path("act/<slug:model>/<slug:name>/", of_site(act), name="act"),
        path("work/", of_site(work), name="work"),
        path("work/<slug:name>/", of_site(work), name="work_list"),
        path("find/", of_site(find), name="find"),
        path("story/account/<uuid:pk>/", of_site(account_story), name="account_story"),
    ]


def act(request: HttpRequest, frame: dict[str, Any], model: str, name: str) -> HttpResponse:
    """Ask why, and do it about each of the things that `pk` names."""
    action = actions.find(model, name)
    if action is None:
        raise Http404("There is no such action.")
    if not action.allowed(request):
        raise PermissionDenied("Your role may not do this.")
    things = _things(action, request)
    after = _after(request, things)
    form = action.form(request.POST) if request.method == "POST" else action.form()
    if form.is_valid() and _done(action, things, Asked(request, form.cleaned_data)):
        return redirect(action.leads_to or after)
    context = {"action": action, "things": things, "form": form, "after": after}
    return render(request, "admin/desk/act.html", {**frame, "title": action.label, **context})


def work(request: HttpRequest, frame: dict[str, Any], name: str = "") -> HttpResponse:
    """Show a work list, the first that has something without a name."""
    counted = [
        (one, one.count()) for one in lists.LISTS if user_of(request).has_perm(one.permission)
    ]
    if not counted:
        raise PermissionDenied("Your role has no work lists.")
    full = next((one for one, count in counted if count), counted[0][0])
    current = lists.BY_NAME.get(name) if name else full
    if current is None:
        raise Http404("There is no such list.")
    if current not in [one for one, _ in counted]:
        raise PermissionDenied("Your role has not this list.")
    rows = list(current.rows()[: lists.ROWS_MAX])
    context = {
        "counted": counted,
        "current": current,
        "rows": [(row, _cells(current, row), _offers(request, row)) for row in rows],
        "most": lists.ROWS_MAX,
        "bulk": _bulk(request, rows),
    }
    return render(request, "admin/desk/work.html", {**frame, "title": "Work lists", **context})


def find(request: HttpRequest, frame: dict[str, Any]) -> HttpResponse:
    """Search."""
    if not user_of(request).has_perm(STORY):
        raise PermissionDenied("Your role may not search.")
    words = request.GET.get("q", "")
    hits = finding.search(words, user_of(request)) if words else []
    context = {"title": "Find", "words": words, "hits": hits}
    return render(request, "admin/desk/find.html", {**frame, **context})


def account_story(request: HttpRequest, frame: dict[str, Any], pk: UUID) -> HttpResponse:
    """Show an account: what it has, who belongs to it, and all that happened."""
    if not user_of(request).has_perm(STORY):
        raise PermissionDenied("Your role may not see accounts.")
    account = get_object_or_404(Account.objects.select_related("live"), pk=pk)
    lines = story.of(account, _moment(request.GET.get("before", "")))
    running = Generation.objects.filter(account=account).unfinished().count()
    context = {
        "title": str(account),
        "account": account,
        "book": ledger.book(account),
        "freeze": getattr(account, "freeze", None),
        "running": running,
        "holds": Hold.objects.filter(
            ledger_account__account=account, state=Hold.State.HELD
        ).count(),
        "people": [(one, _offers(request, one.user)) for one in story.members(account)],
        "offers": _offers(request, account),
        "lines": lines,
        "more": lines[-1].at.isoformat() if len(lines) >= story.LINES_MAX else "",
    }
    return render(request, "admin/desk/story.html", {**frame, **context})


def _things(action: Action, request: HttpRequest) -> list[Model]:
    """Return the things that the address names. Raises Http404 when one is not there."""
    wanted = list(dict.fromkeys(request.GET.getlist("pk")))
    if not 0 < len(wanted) <= THINGS_MAX:
        raise Http404(f"Name from 1 to {THINGS_MAX} things.")
    try:
        found: dict[Any, Model] = QuerySet(action.model).in_bulk(wanted)
    except (ValueError, ValidationError) as error:
        raise Http404("There is no such thing.") from error
    if len(found) != len(wanted):
        raise Http404("There is no such thing.")
    return list(found.values())


def _done(action: Action, things: list[Model], asked: Asked) -> bool:
    """Act about each thing, tell how it went, and say whether anything was done."""
    done = 0
    for thing in things:
        try:
            told = action.act(thing, asked)
        except REFUSALS as refusal:
            messages.error(asked.request, str(refusal))
        else:
            messages.success(asked.request, told)
            done += 1
    return done > 0


def _after(request: HttpRequest, things: list[Model]) -> str:
    """Return the page that the operator came from, or the thing's own."""
    wanted = request.POST.get("after") or request.META.get("HTTP_REFERER", "")
    hosts = {request.get_host()}
    if url_has_allowed_host_and_scheme(wanted, hosts, require_https=request.is_secure()):
        return wanted
    return table_names.page_of_all(things[0])


def _offers(request: HttpRequest, thing: Model) -> list[tuple[str, str]]:
    return [(one.label, one.address_for(thing)) for one in actions.offered(request, thing)]


def _bulk(request: HttpRequest, rows: list[Any]) -> list[Action]:
    """Return what can be done about every one of the rows together."""
    offers = [set(actions.offered(request, row)) for row in rows]
    together = set.intersection(*offers) if offers else set()
    return [one for one in actions.ACTIONS if one in together]


def _cells(current: WorkList, row: Any) -> list[tuple[Any, str, str]]:
    """Return each cell: its column, its words, and where they lead, "" for nowhere."""
    return [
        (column, _words(value, column.sort), _address(value))
        for column, value in zip(current.columns, current.cells(row), strict=True)
    ]


def _words(value: Any, sort: Sort) -> str:
    # The whole id stands where it leads to.
    return f"{value.pk.hex[:8]}…" if isinstance(value, Generation) else shown(value, sort)


def _address(value: Any) -> str:
    if isinstance(value, Account):
        return reverse("admin:account_story", args=[value.pk])
    if isinstance(value, Model):
        return table_names.page_of(value)
    return ""


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError as error:
        raise Http404("There is no such moment.") from error
    if moment is not None and moment.tzinfo is None:
        raise Http404("There is no such moment.")
    return moment
