"""What a customer types about an API key."""

from collections.abc import Collection
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import keys
from accounts.models import ApiKey, Scope
from billing.forms import DayField, DollarsField

ALL, SOME = "all", "some"
ALL_SCOPES = tuple(Scope.values)
OVERLAP_WORDS = {
    timedelta(): gettext_lazy("at once"),
    timedelta(hours=1): gettext_lazy("for one more hour"),
    timedelta(days=1): gettext_lazy("for 24 more hours"),
    timedelta(days=7): gettext_lazy("for 7 more days"),
}


class KeyForm(forms.Form):
    """A key: its name, what it may do, until when, from where, and how much it may spend.

    `allowed` are the scopes that its maker's role may give.
    """

    name = forms.CharField(
        max_length=80, help_text=gettext_lazy("Where you will use it, for example: web shop")
    )
    access = forms.ChoiceField(
        required=False,
        choices=[(ALL, gettext_lazy("Everything")), (SOME, gettext_lazy("Only what I choose"))],
        widget=forms.RadioSelect,
        initial=ALL,
    )
    scopes = forms.MultipleChoiceField(
        required=False, choices=Scope.choices, widget=forms.CheckboxSelectMultiple
    )
    cap_micros = DollarsField(required=False)
    cap_period = forms.ChoiceField(
        required=False, choices=ApiKey.Period.choices, initial=ApiKey.Period.MONTH
    )
    last_day = DayField(
        required=False, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    networks = forms.CharField(
        required=False,
        max_length=keys.NETWORKS_MAX * 50,
        widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, allowed: Collection[str] = ALL_SCOPES, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.allowed = allowed
        scopes = self.fields["scopes"]
        assert isinstance(scopes, forms.MultipleChoiceField)
        scopes.choices = [choice for choice in Scope.choices if choice[0] in allowed]

    def clean_last_day(self) -> Any:
        """Return the last day on which the key works. Raises ValidationError for one gone by."""
        day = self.cleaned_data["last_day"]
        if day and "last_day" in self.changed_data and day < timezone.now().date():
            raise forms.ValidationError(_("Choose today or a day to come."))
        return day

    def clean_networks(self) -> list[str]:
        """Return the networks as we keep them. Raises ValidationError."""
        texts = self.cleaned_data["networks"].replace(",", " ").split()
        if len(texts) > keys.NETWORKS_MAX:
            words = _("Name at most %(most)s addresses.")
            raise forms.ValidationError(words % {"most": keys.NETWORKS_MAX})
        try:
            return keys.networks(texts)
        except keys.BadNetwork as refusal:
            raise forms.ValidationError(str(refusal)) from refusal

    def clean(self) -> dict[str, Any]:
        """Add `rules` and settle the cap."""
        cleaned = super().clean() or {}
        some = cleaned.get("access") == SOME
        if some and not cleaned.get("scopes"):
            self.add_error("scopes", _("Choose at least one."))
        if not self.errors:
            cleaned["rules"] = keys.Rules(
                scopes=cleaned["scopes"] if some else list(self.allowed),
                expires_at=_end_of(cleaned["last_day"]),
                allowed_networks=cleaned["networks"],
            )
            cleaned["cap_period"] = _period(cleaned)
        return cleaned

    @classmethod
    def of(cls, key: ApiKey, data: Any = None, allowed: Collection[str] = ALL_SCOPES) -> "KeyForm":
        """Return the form of a key that exists."""
        initial = {
            "name": key.name,
            "access": ALL if set(key.scopes) >= set(allowed) else SOME,
            "scopes": key.scopes,
            "cap_micros": key.cap_micros,
            "cap_period": key.cap_period or ApiKey.Period.MONTH,
            "last_day": key.last_day,
            "networks": "\n".join(key.allowed_networks),
        }
        return cls(data, initial=initial, allowed=allowed)


class SecretForm(forms.Form):
    """For how long the old secret works beside a new one."""

    overlap = forms.TypedChoiceField(
        choices=[(int(span.total_seconds()), OVERLAP_WORDS[span]) for span in keys.OVERLAPS],
        coerce=lambda seconds: timedelta(seconds=int(seconds)),
        initial=int(keys.OVERLAPS[2].total_seconds()),
    )


def _period(cleaned: dict[str, Any]) -> str:
    return (cleaned["cap_period"] or ApiKey.Period.MONTH) if cleaned["cap_micros"] else ""


def _end_of(day: Any) -> datetime | None:
    """Return the first moment after a day, in UTC."""
    if day is None:
        return None
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=UTC)
