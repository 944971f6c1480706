"""Everything that a user may take away, in one ZIP that is written while it is being sent.

What is in it depends on the role: the books for who sees money, films and jobs for who makes
them; a plain member takes away what the member made. Of no film more than a part is in memory.
"""

import json
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.access import MAKERS, MANAGERS, PAYERS
from accounts.models import Account, Membership, User
from billing import ledger, money, statement, statement_csv
from config import media
from generations import bulk
from generations.models import Generation, GenerationQuerySet
from generations.predictions import public_status, timestamp

JOBS_AT_ONCE = 500
README = gettext_noop("""What you have at Gallop, as of %(moment)s UTC.

you.json        your profile and where you belong
account.json    the account: its keys, webhooks and alerts (never their secrets)
statement.csv   every movement of its credit
jobs.json       every job, with what was asked for
films/          the films
pictures/       the pictures that they began with

Your role decides what is here. A file that was deleted meanwhile is left out.
""")


def archive(user: User, place: Membership, account: Account) -> Iterator[bytes]:
    """Yield a ZIP of what this member may take away of the account that is shown.

    Raises StorageDown when the storage gives nothing: what was sent so far is then no whole ZIP,
    and every program says so.
    """
    pipe = bulk.Pipe()
    jobs = _jobs(user, place, account)
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as into:
        moment = f"{timezone.now():%Y-%m-%d %H:%M}"
        into.writestr("readme.txt", _(README) % {"moment": moment})
        into.writestr("you.json", _json(_of_user(user)))
        if place.role in PAYERS:
            into.writestr("account.json", _json(_of_account(account, place)))
            lines = statement.all_lines(account, statement.EVERYTHING)
            yield from _text(into, pipe, "statement.csv", statement_csv.rows(lines))
        if place.role in MAKERS:
            yield from _text(into, pipe, "jobs.json", _jobs_json(jobs))
            yield from _files(into, pipe, jobs)
    yield pipe.taken()


def _jobs(user: User, place: Membership, account: Account) -> GenerationQuerySet:
    jobs = Generation.objects.visible_to(account).select_related("upload").order_by("created_at")
    return jobs if place.role in MANAGERS else jobs.filter(user=user)


def _text(
    into: zipfile.ZipFile, pipe: bulk.Pipe, name: str, parts: Iterable[str]
) -> Iterator[bytes]:
    with into.open(name, "w", force_zip64=True) as entry:
        for part in parts:
            entry.write(part.encode())
            if sent := pipe.taken():
                yield sent


def _files(into: zipfile.ZipFile, pipe: bulk.Pipe, jobs: GenerationQuerySet) -> Iterator[bytes]:
    """Yield the films and their pictures, each picture once."""
    pictures = set()
    for job in jobs.iterator(chunk_size=JOBS_AT_ONCE):
        if job.video:
            yield from _file(into, pipe, f"films/{bulk.file_name(job)}", job.video)
        upload = job.upload
        if upload and upload.file and upload.pk not in pictures:
            pictures.add(upload.pk)
            name = f"pictures/{upload.pk.hex[:8]} {upload.safe_filename}"
            yield from _file(into, pipe, name, upload.file)


def _file(into: zipfile.ZipFile, pipe: bulk.Pipe, name: str, kept: str) -> Iterator[bytes]:
    try:
        file = media.storage().open(kept)
    except FileNotFoundError:
        return
    # Films and pictures are packed already.
    entry = zipfile.ZipInfo(name, timezone.now().timetuple()[:6])
    yield from bulk.strung(into, pipe, entry, file)


def _jobs_json(jobs: GenerationQuerySet) -> Iterator[str]:
    yield "[\n"
    for number, job in enumerate(jobs.iterator(chunk_size=JOBS_AT_ONCE)):
        yield (",\n" if number else "") + json.dumps(_of_job(job), ensure_ascii=False)
    yield "\n]\n"


def _of_job(job: Generation) -> dict[str, Any]:
    return {
        "id": job.id.hex,
        "model": job.model,
        "title": job.title,
        "input": job.inputs,
        "status": public_status(job),
        "error": job.error,
        "price_usd": money.decimal(job.price_micros),
        "created_at": timestamp(job.created_at),
        "finished_at": _moment(job.finished_at),
        "film": f"films/{bulk.file_name(job)}" if job.video else None,
    }


def _of_user(user: User) -> dict[str, Any]:
    addresses = EmailAddress.objects.filter(user=user).order_by("id")
    places = user.memberships.select_related("account").order_by("id")
    return {
        "email": user.email,
        "addresses": [{"email": one.email, "confirmed": one.verified} for one in addresses],
        "name": user.name,
        "language": user.language,
        "joined_at": _moment(user.date_joined),
        "last_login_at": _moment(user.last_login),
        "accounts": [
            {"id": str(place.account_id), "name": place.account.name, "role": place.role}
            for place in places
        ],
    }


def _of_account(account: Account, place: Membership) -> dict[str, Any]:
    book = ledger.book(account)
    facts: dict[str, Any] = {
        "id": str(account.pk),
        "name": account.name,
        "mode": account.mode,
        "created_at": _moment(account.created_at),
        "balance_usd": money.decimal(book.balance_micros),
        "held_usd": money.decimal(book.held_micros),
        "alerts": [str(alert) for alert in account.alerts.order_by("id")],
    }
    if place.role not in MANAGERS:
        return facts
    return facts | {
        "members": [
            {"email": one.user.email, "role": one.role}
            for one in account.of_members.memberships.select_related("user").order_by("id")
        ],
        "keys": [
            {
                "name": key.name,
                "prefix": key.prefix,
                "scopes": key.scopes,
                "created_at": _moment(key.created_at),
                "revoked_at": _moment(key.revoked_at),
            }
            for key in account.api_keys.order_by("id")
        ],
        "webhooks": [
            {"url": one.url, "events": one.events} for one in account.webhooks.order_by("id")
        ],
    }


def _moment(moment: datetime | None) -> str | None:
    return timestamp(moment) if moment else None


def _json(facts: object) -> str:
    return json.dumps(facts, ensure_ascii=False, indent=2) + "\n"
