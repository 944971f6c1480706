"""An account's films, found again: filtered, searched, in order, a page at a time.

Each page costs the same, wherever it is and however many films there are: it begins where the
last one ended, every single filter has an index in the page's order, and nothing is counted.
"""

import re
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.contrib.postgres.search import CombinedSearchQuery, SearchQuery, SearchQueryField
from django.db.models import CharField, F, Func, Q, TextField, Value
from django.db.models.functions import Cast
from django.db.models.lookups import GreaterThan, LessThan
from django.utils import timezone

from accounts.models import Account, ApiKey, User
from generations import marked
from generations.models import Generation, GenerationQuerySet

Status = Generation.Status

PAGE = 24
# How many of those that are being made are shown above the others.
MAKING = 24
WORDS_MAX = 10
# One or two letters begin too many words.
PREFIX_MIN = 3
MAKERS_MAX = 100
DELETED_MAX = 100

STATUSES = {
    "ready": Q(status=Status.COMPLETED),
    "failed": Q(status=Status.FAILED),
    "making": marked.UNFINISHED,
}
# What a page is ordered by; all of it falls, or all of it rises.
ORDERS = {
    "newest": ("created_at", "id"),
    "oldest": ("created_at", "id"),
    "longest": ("length", "created_at", "id"),
}

_EPOCH = datetime.fromtimestamp(0, UTC)
_MICROSECOND = timedelta(microseconds=1)
_PLACE = re.compile(r"(?:(\d{1,4})-)?(\d{1,17})-([0-9a-f]{32})", re.ASCII)


@dataclass(frozen=True)
class Place:
    """Where a page ended: what its last film is ordered by."""

    length: int | None
    created_at: datetime
    id: uuid.UUID

    @classmethod
    def read(cls, text: str) -> "Place | None":
        """Return the place that an address names, None for anything else."""
        found = _PLACE.fullmatch(text)
        if found is None:
            return None
        length, micros, name = found.groups()
        moment = _EPOCH + int(micros) * _MICROSECOND
        return cls(int(length) if length else None, moment, uuid.UUID(name))

    @classmethod
    def of(cls, film: Generation, sort: str) -> "Place":
        """Return the place of a film in this order."""
        return cls(film.length if "length" in ORDERS[sort] else None, film.created_at, film.pk)

    def __str__(self) -> str:
        micros = moment_text(self.created_at)
        length = "" if self.length is None else f"{self.length}-"
        return f"{length}{micros}-{self.id.hex}"


@dataclass(frozen=True)
class Page:
    """Some of the films, in their order; `following` is where the next page begins, if any."""

    films: list[Generation]
    following: Place | None


@dataclass(frozen=True)
class Maker:
    """A key or a member with which films were made; `name` is how a filter calls it."""

    name: str
    title: str


def newest(account: Account) -> GenerationQuerySet:
    """Return the account's jobs with their pictures, newest first."""
    visible = Generation.objects.visible_to(account).select_related("upload")
    return visible.order_by("-created_at", "-id")


def page(account: Account, wanted: Mapping[str, Any], after: Place | None = None) -> Page:
    """Return the films that fit, from `after` on. `wanted` is what forms.GalleryForm cleans."""
    sort = wanted.get("sort") or "newest"
    rises = sort == "oldest"
    films = chosen(account, wanted).select_related("upload")
    if after is not None and (after.length is not None) == ("length" in ORDERS[sort]):
        films = films.filter(_beyond(after, ORDERS[sort], rises=rises))
    ordered = films.order_by(*(name if rises else f"-{name}" for name in ORDERS[sort]))
    return _page(list(ordered[: PAGE + 1]), sort)


def front(account: Account) -> tuple[list[Generation], Page]:
    """Return what is being made and the first page of the films, in one question."""
    visible, newest_first = Generation.objects.visible_to(account), ("-created_at", "-id")
    busy = visible.filter(marked.UNFINISHED).order_by(*newest_first).values("pk")[:MAKING]
    ready = chosen(account, {}).order_by(*newest_first).values("pk")[: PAGE + 1]
    jobs = list(newest(account).filter(pk__in=ready.union(busy, all=True)))
    making_now = [job for job in jobs if not job.is_finished]
    return making_now, _page([job for job in jobs if job.is_finished], "newest")


def chosen(account: Account, wanted: Mapping[str, Any]) -> GenerationQuerySet:
    """Return the account's films that fit, in no order."""
    films = Generation.objects.visible_to(account).filter(
        STATUSES[wanted.get("status") or "ready"], **_made(wanted)
    )
    if wanted.get("favourite"):
        films = films.filter(favourite=True)
    if words := wanted.get("q"):
        films = films.alias(words=marked.WORDS).filter(words=_search(account, words))
    return films


def making(account: Account, watched: Collection[uuid.UUID] = ()) -> list[Generation]:
    """Return the newest jobs that are being made, and those watched, whatever became of them."""
    jobs = newest(account)
    unfinished = list(jobs.filter(marked.UNFINISHED)[:MAKING])
    known = {job.pk for job in unfinished}
    ended = [pk for pk in watched if pk not in known][:MAKING]
    others = list(jobs.filter(pk__in=ended)) if ended else []
    return sorted(unfinished + others, key=lambda job: (job.created_at, job.pk), reverse=True)


def deleted(account: Account) -> list[Generation]:
    """Return the films that can still be brought back, the last deleted first."""
    hidden = Generation.objects.filter(account=account, deleted_at=None, hidden_at__isnull=False)
    return list(hidden.select_related("upload").order_by("-hidden_at", "-id")[:DELETED_MAX])


def makers(account: Account) -> list[Maker]:
    """Return the account's members and keys, in one question."""
    users = User.objects.filter(memberships__account=account.live_id or account.pk).order_by("pk")
    keys = ApiKey.objects.filter(account=account).order_by("-pk")
    members = users.values_list(_named("user"), "pk", Cast("email", CharField()))
    own = keys.values_list(_named("key"), "pk", Cast("name", CharField()))
    found = members[:MAKERS_MAX].union(own[:MAKERS_MAX], all=True)
    return [Maker(f"{kind}-{pk}", title) for kind, pk, title in found]


def moment_text(moment: datetime) -> str:
    """Return a moment as addresses carry it: microseconds since 1970."""
    return str((moment - _EPOCH) // _MICROSECOND)


def moment_of(text: str) -> datetime | None:
    """Return the moment in an address, None for anything else."""
    known = re.fullmatch(r"\d{1,17}", text, re.ASCII)
    return _EPOCH + int(text) * _MICROSECOND if known else None


def ids_in(texts: Iterable[str], most: int) -> list[uuid.UUID]:
    """Return the first of these texts that can be ids of ours."""
    known = [text for text in texts if re.fullmatch(r"[0-9a-f-]{32,36}", text)]
    found = []
    for text in known[:most]:
        try:
            found.append(uuid.UUID(text))
        except ValueError:
            continue
    return found


def _page(found: list[Generation], sort: str) -> Page:
    """Return the page of films of which one more was asked for."""
    following = Place.of(found[PAGE - 1], sort) if len(found) > PAGE else None
    return Page(found[:PAGE], following)


def _named(kind: str) -> Value:
    return Value(kind, CharField())


def _made(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the filters for how, when and by whom films were made."""
    kind, _, number = (wanted.get("by") or "").partition("-")
    field = {"key": "api_key_id", "user": "user_id"}.get(kind)
    filters = {
        "resolution": wanted.get("resolution"),
        "length": wanted.get("length"),
        "created_at__gte": _start(wanted.get("since")),
        "created_at__lte": _end(wanted.get("until")),
        **({field: int(number)} if field else {}),
    }
    return {name: value for name, value in filters.items() if value not in {None, ""}}


def _start(day: date | None) -> datetime | None:
    return timezone.make_aware(datetime.combine(day, time.min)) if day else None


def _end(day: date | None) -> datetime | None:
    return timezone.make_aware(datetime.combine(day, time.max)) if day else None


def _beyond(place: Place, names: Iterable[str], *, rises: bool) -> LessThan | GreaterThan:
    """Return the condition that a film comes after the place, as one comparison of rows.

    Only so does the index begin right there, also where thousands are of the same length.
    """
    row = _row(F(name) for name in names)
    there = _row(Value(getattr(place, name)) for name in names)
    return GreaterThan(row, there) if rises else LessThan(row, there)


def _row(parts: Iterable[Any]) -> Func:
    return Func(*parts, template="(%(expressions)s)", output_field=TextField())


def _search(account: Account, words: str) -> CombinedSearchQuery:
    """Return the question for films of the account with words that begin like all of these."""
    own = Cast(Value(f"'{account.pk}'"), SearchQueryField())
    terms = " & ".join(_term(word) for word in words.split()[:WORDS_MAX])
    asked = SearchQuery(terms, config="simple", search_type="raw")
    return CombinedSearchQuery(own, "&&", asked, config=None)


def _term(word: str) -> str:
    """Return the word as PostgreSQL reads it, whatever signs are in it."""
    quoted = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{quoted}':*" if len(word) >= PREFIX_MIN else f"'{quoted}'"
