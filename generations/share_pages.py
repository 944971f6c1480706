"""Films that their accounts share: whoever has the link sees the one film, and nothing else."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from generations import delivery, marking
from generations.models import Generation

# Searching programs are told to forget it; the link itself is the permission.
NOT_LISTED = "noindex, nofollow, noarchive"


@require_safe
@never_cache
def shared(request: HttpRequest, word: str) -> HttpResponse:
    """The film of a link, for people and for the cards that other sites make of it."""
    context = {
        "film": _film(word),
        "word": word,
        "address": settings.PUBLIC_URL + reverse("shared", args=[word]),
    }
    response = render(request, "generations/shared.html", context)
    response["X-Robots-Tag"] = NOT_LISTED
    return response


@require_safe
def shared_file(request: HttpRequest, word: str, part: str) -> HttpResponseBase:
    """The film or its poster, as long as it is shared."""
    film = _film(word)
    names = {
        "video.mp4": film.video,
        "poster.jpg": film.poster,
        "poster-small.webp": film.poster_small,
    }
    response = delivery.serve(request, names[part])
    # Kept by nobody: tomorrow the film may be shared no more.
    response["Cache-Control"] = "private, no-cache"
    response["X-Robots-Tag"] = NOT_LISTED
    return response


def _film(word: str) -> Generation:
    film = marking.shared(word)
    if film is None:
        raise Http404("Nothing is shared by this link.")
    return film
