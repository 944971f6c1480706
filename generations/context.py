"""What every page may show about the upstream: that submitting is paused, and to staff why."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.html import format_html
from django.utils.timesince import timesince

from accounts.models import User
from generations import places
from generations.models import Generation, UpstreamState

Trouble = UpstreamState.Trouble

_WAY_OUT = {
    Trouble.NONE: "",
    Trouble.MONEY: "Top up the credit at WaveSpeed.",
    Trouble.KEY: "Check WAVESPEED_API_KEY: it may be revoked or mistyped. Set it and restart.",
    Trouble.DOWN: "Wait, and look at WaveSpeed's status page; there is nothing to mend here.",
}
# As short as the head of a page on a phone asks for.
_MARK = {
    Trouble.NONE: "",
    Trouble.MONEY: "Paused: no money",
    Trouble.KEY: "Paused: key refused",
    Trouble.DOWN: "Paused: upstream down",
}


def upstream(request: HttpRequest) -> dict[str, object]:
    """Return `upstream` (an UpstreamState, read when asked for) and for staff `operator_trouble`.

    `operator_trouble` is a sentence or two of markup, empty while all is well.
    """
    user = getattr(request, "user", None)
    if not isinstance(user, User) or not user.is_staff:
        return {"upstream": SimpleLazyObject(places.state)}
    state = places.state()
    told: str = words(state)
    if told and user.has_perm("generations.view_upstreamstate"):
        address = reverse("admin:generations_upstreamstate_changelist")
        told = format_html('<span>{} <a href="{}">Details</a></span>', told, address)
    return {"upstream": state, "operator_trouble": told}


def words(state: UpstreamState) -> str:
    """Return what is wrong, since when, what to do and who waits; empty when all is well."""
    if not state.trouble:
        return ""
    waiting = Generation.objects.filter(status=Generation.Status.CREATED, test=False).count()
    one = "1 waiting film goes on by itself"
    many = f"{waiting} waiting films go on by themselves"
    return (
        f"No film can start: {state}, {since(state)}. {way_out(state)} "
        f"{one if waiting == 1 else many} when it is over."
    )


def since(state: UpstreamState) -> str:
    """Return since when there is trouble, as a clock and as a length of time."""
    began = state.trouble_since or timezone.now()
    return f"since {began:%H:%M} UTC ({timesince(began, depth=1)})"


def way_out(state: UpstreamState) -> str:
    """Return what the operator can do about the trouble; empty when there is none."""
    return _WAY_OUT[Trouble(state.trouble)]


def environment(_request: HttpRequest) -> list[str] | None:
    """Return the mark in the head of the admin's pages, and its colour, while there is trouble."""
    mark = _MARK[Trouble(places.state().trouble)]
    return [mark, "danger"] if mark else None
