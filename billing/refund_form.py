"""What the operator says to refund a purchase: how much, and why."""

import uuid

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from billing import money


class RefundForm(forms.Form):
    """A sum in dollars of credit, and a reason. `order` makes a form sent twice one refund."""

    amount = forms.CharField(
        label="Credit to take back",
        help_text="in dollars; the customer gets what was charged for it, tax included",
        max_length=20,
        widget=UnfoldAdminTextInputWidget,
    )
    reason = forms.CharField(
        label="Reason",
        help_text="kept with your name; the customer does not see it",
        max_length=300,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )
    order = forms.UUIDField(widget=forms.HiddenInput)

    @classmethod
    def of(cls, left_micros: int) -> "RefundForm":
        """Return an unbound form that suggests everything that is left."""
        return cls(initial={"amount": money.decimal(left_micros), "order": uuid.uuid4()})

    def clean_amount(self) -> int:
        """Return micro-dollars."""
        try:
            return money.parse(self.cleaned_data["amount"])
        except money.InvalidAmount as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
