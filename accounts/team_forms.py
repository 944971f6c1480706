from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts import team
from accounts.access import Role

CHOICES = [(role.value, capfirst(role.label)) for role in team.INVITED_AS]


class InviteForm(forms.Form):
    """Whom to ask onto the team, and as what."""

    email = forms.EmailField(
        widget=forms.EmailInput(
            attrs={"autocomplete": "off", "placeholder": _("colleague@company.com")}
        )
    )
    role = forms.ChoiceField(choices=CHOICES, initial=Role.MEMBER)


class RoleForm(forms.Form):
    """Another role for a member."""

    role = forms.ChoiceField(choices=CHOICES)


class NameForm(forms.Form):
    """What the account is called."""

    name = forms.CharField(max_length=team.NAME_LENGTH_MAX)

    def clean_name(self) -> str:
        """Return a name without a link. Raises ValidationError."""
        name = str(self.cleaned_data["name"])
        if team.LINK_IN_NAME.search(name):
            raise forms.ValidationError(_("Choose a name without links and angle brackets."))
        return name
