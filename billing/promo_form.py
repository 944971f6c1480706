"""What the operator types about a promotion code."""

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget

from billing.forms import DollarsField
from billing.models import PromoCode


class PromoCodeForm(forms.ModelForm):  # type: ignore[type-arg]  # no subscript at run time
    """A code, its credit in dollars, and its limits."""

    amount_micros = DollarsField(
        label="Credit in dollars",
        widget=UnfoldAdminTextInputWidget,
        help_text="for example 5 or 2.50",
    )

    class Meta:
        model = PromoCode
        fields = ("code", "amount_micros", "life_days", "redemptions_max", "valid_until")

    def clean_code(self) -> str:
        """Return the code as it is looked up: in capitals, without blanks."""
        code = "".join(self.cleaned_data["code"].split()).upper()
        if not code:
            raise forms.ValidationError("Write a code.")
        return code

    def clean_redemptions_max(self) -> int:
        """Refuse fewer than have been redeemed."""
        most: int = self.cleaned_data["redemptions_max"]
        if most < self.instance.redemptions:
            raise forms.ValidationError(
                f"It was redeemed {self.instance.redemptions} times already."
            )
        return most
