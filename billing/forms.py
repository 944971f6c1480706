"""What customers type about money: sums, codes, and the lines they want to see."""

from datetime import date
from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from billing import alerts, money, statement

OTHER = "other"


class BuyForm(forms.Form):
    """One of the packs, or any sum between the limits in whole cents."""

    pack = forms.ChoiceField(
        choices=[(str(dollars), f"${dollars}") for dollars in settings.PACKS_DOLLARS]
        + [(OTHER, _("Other"))],
    )
    amount = forms.CharField(required=False, max_length=20, label=_("Other sum in dollars"))
    save_card = forms.BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        """Add `amount_micros`."""
        cleaned = super().clean() or {}
        if not self.errors:
            try:
                cleaned["amount_micros"] = self._amount(cleaned)
            except ValueError as refusal:
                self.add_error("amount", str(refusal))
        return cleaned

    def _amount(self, cleaned: dict[str, Any]) -> int:
        other = cleaned["pack"] == OTHER
        micros = money.parse(cleaned["amount"] if other else cleaned["pack"])
        money.whole_cents(micros)
        least = settings.PURCHASE_DOLLARS_MIN * money.MICROS_PER_DOLLAR
        most = settings.PURCHASE_DOLLARS_MAX * money.MICROS_PER_DOLLAR
        if not least <= micros <= most:
            limits = {"least": money.display(least), "most": money.display(most)}
            raise ValueError(_("Choose a sum from %(least)s to %(most)s.") % limits)
        return micros


class DollarsField(forms.CharField):
    """A sum typed in dollars, cleaned to micro-dollars; nothing for an empty field."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=20, **options)
        self.widget.attrs |= {"inputmode": "decimal", "autocomplete": "off"}

    def clean(self, value: Any) -> int | None:
        """Return micro-dollars above zero. Raises ValidationError."""
        text = super().clean(value)
        if not text:
            return None
        try:
            micros = money.parse(text)
        except money.InvalidAmount as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        if not micros:
            raise forms.ValidationError(_("Write a sum above zero."))
        return micros

    def prepare_value(self, value: Any) -> Any:
        """Show micro-dollars as dollars, and what was typed as it was typed."""
        return money.decimal(value) if isinstance(value, int) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare as the reader sees both."""
        return super().has_changed(self.prepare_value(initial), data)


class DayField(forms.DateField):
    """A day of our time, so that the days after it exist too."""

    default_validators = [
        MinValueValidator(date(2000, 1, 1), _("Choose a day after 1999.")),
        MaxValueValidator(date(2999, 12, 31), _("Choose a day before 3000.")),
    ]


class AlertForm(forms.Form):
    """The figure that a customer wants to hear of."""

    kind = forms.ChoiceField(choices=alerts.Kind.choices)
    threshold_micros = DollarsField(label=_("Sum in dollars"))


class CodeForm(forms.Form):
    """A promotion code."""

    code = forms.CharField(max_length=60, label=_("I have a code"))


class StatementForm(forms.Form):
    """Which lines of the statement are wanted. The fields are named as in its address."""

    kind = forms.ChoiceField(required=False, choices=[("", _("All")), *statement.Group.choices])
    since = DayField(required=False, input_formats=["%Y-%m-%d"])
    until = DayField(required=False, input_formats=["%Y-%m-%d"])

    def clean(self) -> dict[str, Any]:
        """Refuse a range that ends before it begins."""
        cleaned = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and since > until:
            self.add_error("until", _("The last day is before the first one."))
        return cleaned

    @property
    def choice(self) -> statement.Choice:
        """What was asked for; everything while a field cannot be read."""
        if not self.is_valid():
            return statement.EVERYTHING
        cleaned = self.cleaned_data
        return statement.Choice(cleaned["kind"], cleaned["since"], cleaned["until"])


class MonthForm(forms.Form):
    """The month of a statement, as "2026-11"."""

    month = DayField(input_formats=["%Y-%m"])

    @property
    def first_day(self) -> date | None:
        """The first day of the month, None when it cannot be read."""
        return self.cleaned_data["month"] if self.is_valid() else None
