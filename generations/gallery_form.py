"""What may be asked of the gallery; all of it stands in the address, and nothing is needed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from generations import catalog, gallery

WORDS_LENGTH_MAX = 200
YEARS = range(1970, 9999)
SORTS = {
    "newest": gettext_lazy("Newest first"),
    "oldest": gettext_lazy("Oldest first"),
    "longest": gettext_lazy("Longest first"),
}
STATUSES = {
    "ready": gettext_lazy("Ready"),
    "making": gettext_lazy("Being made"),
    "failed": gettext_lazy("Failed or cancelled"),
}
DEFAULTS = {"status": "ready", "sort": "newest"}


@dataclass(frozen=True)
class Chip:
    """A filter that is set, in words, and the rest of the address without it."""

    words: str
    query: str


def _resolutions() -> list[tuple[str, str]]:
    names = {name: None for model in catalog.MODELS.values() for name in model.micros_per_second}
    return [(name, name) for name in names]


def _lengths() -> list[tuple[int, str]]:
    asked = catalog.IMAGE_TO_VIDEO.parameter("duration")
    return [(number, _seconds(number)) for number in range(asked.low, asked.high + 1)]


def _seconds(number: object) -> str:
    return _("%(seconds)s s") % {"seconds": number}


class GalleryForm(forms.Form):
    """The filters. What cannot be used is said beside its field, and the rest still holds."""

    q = forms.CharField(label=gettext_lazy("Search"), required=False, max_length=WORDS_LENGTH_MAX)
    status = forms.ChoiceField(
        label=gettext_lazy("Status"), required=False, choices=list(STATUSES.items())
    )
    resolution = forms.ChoiceField(label=gettext_lazy("Resolution"), required=False)
    length = forms.TypedChoiceField(
        label=gettext_lazy("Length"), required=False, coerce=int, empty_value=None
    )
    since = forms.DateField(label=gettext_lazy("From"), required=False)
    until = forms.DateField(label=gettext_lazy("To"), required=False)
    by = forms.RegexField(r"^(key|user)-\d{1,18}\Z", label=gettext_lazy("Made by"), required=False)
    favourite = forms.BooleanField(label=gettext_lazy("Favourites only"), required=False)
    sort = forms.ChoiceField(
        label=gettext_lazy("Order"), required=False, choices=list(SORTS.items())
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        any_one = ("", _("Any"))
        for name, choices in (("resolution", _resolutions()), ("length", _lengths())):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [any_one, *choices]

    def clean_since(self) -> Any:
        """Take no day that no calendar of ours knows."""
        return self._day("since")

    def clean_until(self) -> Any:
        """As above."""
        return self._day("until")

    @property
    def wanted(self) -> dict[str, Any]:
        """What is asked for and can be used, without what is meant anyway."""
        self.is_valid()
        return {
            name: self.cleaned_data[name]
            for name in self.fields
            if self.cleaned_data.get(name) and self.cleaned_data[name] != DEFAULTS.get(name)
        }

    @property
    def query(self) -> str:
        """The same as it stands in an address."""
        return self._query(self.wanted)

    @property
    def selects(self) -> list[forms.BoundField]:
        """What is chosen from a list."""
        return [self[name] for name in ("status", "resolution", "length", "sort")]

    @property
    def is_open(self) -> bool:
        """Whether more is set than the words, so that its fields are to be seen."""
        return bool(self.errors.keys() - {"q"})

    def chips(self, makers: Iterable[gallery.Maker]) -> list[Chip]:
        """Return what is set, each with the address without it."""
        wanted, titles = self.wanted, {maker.name: maker.title for maker in makers}
        maker = titles.get(wanted.get("by", ""), _("somebody who left"))
        words = {
            "q": f"“{wanted.get('q')}”",
            "status": str(STATUSES.get(wanted.get("status", ""), "")),
            "resolution": str(wanted.get("resolution")),
            "length": _seconds(wanted.get("length")),
            "since": _("From %(day)s") % {"day": wanted.get("since")},
            "until": _("To %(day)s") % {"day": wanted.get("until")},
            "by": _("By %(maker)s") % {"maker": maker},
            "favourite": _("Favourites"),
            "sort": str(SORTS.get(wanted.get("sort", ""), "")),
        }
        return [Chip(words[name], self._without(name)) for name in words if name in wanted]

    def _without(self, name: str) -> str:
        return self._query({one: value for one, value in self.wanted.items() if one != name})

    def _query(self, wanted: dict[str, Any]) -> str:
        return urlencode({name: "on" if value is True else value for name, value in wanted.items()})

    def _day(self, name: str) -> Any:
        day = self.cleaned_data[name]
        if day and day.year not in YEARS:
            raise forms.ValidationError(_("Give a day such as 2026-01-31."))
        return day
