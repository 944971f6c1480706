from django import forms
from django.utils.translation import gettext_lazy as _

from accounts import webhooks
from accounts.models import Event


class EventsForm(forms.Form):
    """What an endpoint is told of."""

    events = forms.MultipleChoiceField(
        choices=Event.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one event.")},
    )


class WebhookForm(EventsForm):
    """A new endpoint."""

    url = forms.CharField(
        max_length=webhooks.URL_LENGTH_MAX,
        widget=forms.URLInput(attrs={"placeholder": "https://", "autocomplete": "off"}),
        help_text=_(
            "A page of your server that takes a POST, for example: https://example.com/hook"
        ),
    )

    field_order = ("url", "events")

    def clean_url(self) -> str:
        """Return an address that may receive webhooks. Raises ValidationError."""
        try:
            return webhooks.checked(self.cleaned_data["url"])
        except webhooks.AddressRefused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
