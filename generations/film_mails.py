"""Word by mail that a film is ready, to who asked for it on the website and wants to hear."""

import uuid

from django.db import transaction
from django_q.tasks import async_task

from accounts import letters
from accounts.access import MAKERS
from accounts.models import User
from generations import marked
from generations.models import Generation

TASK = "generations.film_mails.tell"
WORDS_LENGTH_MAX = 120


def note(generation: Generation) -> None:
    """Have the mail written once the surrounding transaction is committed, if it is wanted.

    For films of the website alone: programs have webhooks.
    """
    if generation.api_key_id is not None or generation.user_id is None:
        return
    if User.objects.filter(pk=generation.user_id, mails_films=True, is_active=True).exists():
        name = generation.pk.hex
        transaction.on_commit(lambda: async_task(TASK, name), robust=True)  # type: ignore[no-untyped-call]  # django-q2 has no types


def tell(name: str) -> str:
    """Write the mail, unless the film was deleted or its maker has left meanwhile."""
    films = Generation.objects.filter(marked.SHOWN, status=Generation.Status.COMPLETED)
    film = films.select_related("user", "account__live").filter(pk=uuid.UUID(name)).first()
    if film is None or film.user is None or not _may_see(film, film.user):
        return "nobody to tell"
    words = film.title or film.inputs.get("prompt") or ""
    short = words if len(words) <= WORDS_LENGTH_MAX else f"{words[:WORDS_LENGTH_MAX]}…"
    mark = letters.TEST_MARK if film.test else ""
    letters.send_quietly(
        [film.user.email], "generations/mail/film_ready", mark=mark, film=film, words=short
    )
    return "told"


def _may_see(film: Generation, user: User) -> bool:
    places = film.account.of_members.memberships.filter(user=user, role__in=MAKERS)
    return user.is_active and user.mails_films and places.exists()
