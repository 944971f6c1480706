"""`/styleguide`: every component in both themes, for staff, so that a change is seen."""

import re

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import path
from django.views.decorators.http import require_safe

ICON = re.compile(r'<symbol id="i-([a-z-]+)"')
COLORS = (
    *("bg", "raised", "lifted", "well", "line", "line-control", "text", "text-soft", "text-faint"),
    *("accent", "accent-dim", "good", "good-dim", "bad", "bad-dim", "warn", "warn-dim"),
)
SIZES = ("s", "m", "l", "xl", "2xl", "3xl", "4xl")
STATUSES = ("created", "processing", "completed", "failed", "cancelled")


@login_required
@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    """Show them. Raises PermissionDenied for anybody but staff."""
    if not getattr(request.user, "is_staff", False):
        raise PermissionDenied
    context = {
        "icons": ICON.findall(render_to_string("_sprite.html")),
        "colors": COLORS,
        "sizes": SIZES,
        "statuses": STATUSES,
        "themes": ("dark", "light"),
    }
    return render(request, "styleguide/styleguide.html", context)


urlpatterns = [path("styleguide", styleguide, name="styleguide")]
