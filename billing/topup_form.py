"""The form of automatic top-ups."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from billing import money, topup_rule
from billing.forms import DollarsField
from billing.models import AutoTopUp

TERMS_FIRST = topup_rule.first_terms(25 * money.MICROS_PER_DOLLAR)


class TermsForm(forms.Form):
    """When to top up, by how much, and how much a month at most."""

    threshold_micros = DollarsField(label=_("When my credit falls below"))
    amount_micros = DollarsField(label=_("Add"))
    monthly_cap_micros = DollarsField(label=_("In a month no more than"))

    @classmethod
    def of(cls, rule: AutoTopUp | None) -> "TermsForm":
        """Return a form that shows a rule as it is, or what to begin with."""
        terms = rule or TERMS_FIRST
        return cls(initial={name: getattr(terms, name) for name in cls.base_fields})

    @property
    def terms(self) -> topup_rule.Terms:
        """What was asked for, once every sum could be read."""
        return topup_rule.Terms(**self.cleaned_data)

    def clean(self) -> dict[str, Any]:
        """Judge the sums together."""
        cleaned = super().clean() or {}
        if not self.errors:
            for name, fault in topup_rule.faults_of(topup_rule.Terms(**cleaned)).items():
                self.add_error(name, fault)
        return cleaned
