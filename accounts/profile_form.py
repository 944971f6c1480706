from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.models import User

NAMES = ("name", "language", "mails_films")


class ProfileForm(forms.Form):
    """What a user says of themselves, and wants to hear of."""

    name = forms.CharField(
        max_length=80, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    language = forms.ChoiceField(
        required=False, choices=[("", _("As my browser asks")), *settings.LANGUAGES]
    )
    mails_films = forms.BooleanField(
        required=False, label=_("Write to me when a film of mine is ready")
    )

    @classmethod
    def of(cls, user: User, data: object = None) -> "ProfileForm":
        """Return the form with what the user has chosen."""
        return cls(data, initial={name: getattr(user, name) for name in NAMES})  # type: ignore[arg-type]  # a request's POST

    def keep(self, user: User) -> None:
        """Keep what was typed."""
        for name in NAMES:
            setattr(user, name, self.cleaned_data[name])
        user.save(update_fields=NAMES)
