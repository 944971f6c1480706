from django import forms


class KeyForm(forms.Form):
    """The name of a new API key."""

    name = forms.CharField(max_length=80, help_text="Where you will use it, for example: web shop")
