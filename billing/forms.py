"""The sum a customer wants to buy."""

from typing import Any

from django import forms
from django.conf import settings

from billing import money

OTHER = "other"


class BuyForm(forms.Form):
    """One of the packs, or any sum between the limits in whole cents."""

    pack = forms.ChoiceField(
        choices=[(str(dollars), f"${dollars}") for dollars in settings.PACKS_DOLLARS]
        + [(OTHER, "Other")],
    )
    amount = forms.CharField(required=False, max_length=20, label="Other sum in dollars")

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
            raise ValueError(f"Choose a sum from {money.display(least)} to {money.display(most)}.")
        return micros
