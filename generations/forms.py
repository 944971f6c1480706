"""The playground's form; what it asks for and accepts is what the catalogue says."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from accounts.models import Account
from config.errors import STORAGE_DOWN
from config.media import StorageDown
from generations import images, pricing
from generations.catalog import (
    IMAGE_BYTES_MAX,
    PRICED,
    Choice,
    Integer,
    InvalidInput,
    Model,
    Parameter,
    Picture,
    Text,
)
from generations.models import Upload

# Left empty it is left to chance; what has a price is always said.
MAY_BE_EMPTY = "seed"
# What the catalogue may still refuse when the fields have accepted it.
REFUSALS = (
    gettext_noop("It is required; please say what happens."),
    gettext_noop("It must not contain NUL or broken characters; please remove them."),
)


class PromptField(forms.CharField):
    """Words in which a line break is one character, as the browser counts and the model reads."""

    def to_python(self, value: Any) -> Any:
        return (super().to_python(value) or "").replace("\r\n", "\n")


class CreateForm(forms.Form):
    """A model's parameters. Its picture is either sent now or kept from an earlier try."""

    def __init__(self, account: Account, model: Model, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.account = account
        self.model = model
        self.upload: Upload | None = None
        for parameter in model.parameters:
            self.fields.update(_fields(parameter))

    @property
    def chosen(self) -> dict[str, Any]:
        """What the page shows as chosen: the default instead of nonsense."""
        choices = [one.name for one in self.model.parameters if isinstance(one, Choice)]
        return {name: self._usable(name) for name in {*choices, *PRICED}}

    @property
    def price_micros(self) -> int:
        """What a film with these settings costs."""
        return pricing.quote(self.model, self.chosen)

    def clean(self) -> dict[str, Any]:
        """Keep the picture, even when something else is wrong, and add `inputs`."""
        cleaned = super().clean() or {}
        if self.model.wants_picture:
            self._take_picture(cleaned)
        if not self.errors:
            cleaned["inputs"] = self._inputs(cleaned)
        return cleaned

    def _usable(self, name: str) -> Any:
        field = self.fields[name]
        try:
            return field.clean(self[name].value())
        except ValidationError:
            return field.initial

    def _take_picture(self, cleaned: Mapping[str, Any]) -> None:
        self.upload = self._kept(cleaned)
        try:
            self.upload = self._sent(cleaned) or self.upload
        except images.ImageRefused as refusal:
            self.add_error("picture", str(refusal))
        except StorageDown:
            self.add_error("picture", _(STORAGE_DOWN))
        if self.upload is None and "picture" not in self.errors:
            self.add_error("picture", _("Choose a picture to begin with."))

    def _sent(self, cleaned: Mapping[str, Any]) -> Upload | None:
        sent = cleaned.get("picture")
        if not isinstance(sent, UploadedFile):
            return None
        content = sent.read(IMAGE_BYTES_MAX + 1)
        return images.receive(self.account, content, sent.name or "picture")

    def _kept(self, cleaned: Mapping[str, Any]) -> Upload | None:
        own = Upload.objects.filter(account=self.account).exclude(file="")
        return own.filter(pk__in=[cleaned.get("kept")]).first()

    def _inputs(self, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        known = [parameter.name for parameter in self.model.parameters]
        wanted = {name: cleaned[name] for name in known if cleaned.get(name) is not None}
        if self.upload is not None:
            wanted["image"] = images.address(self.upload)
        try:
            return self.model.clean(wanted)
        except InvalidInput as error:
            sentence = f"It {error.reason}."
            self.add_error(error.field, _(sentence) if sentence in REFUSALS else sentence)
            return {}


def _fields(parameter: Parameter) -> dict[str, forms.Field]:
    """Return the fields that ask for a parameter, by name."""
    match parameter:
        case Picture():
            return {
                "picture": forms.FileField(required=False),
                "kept": forms.UUIDField(required=False, widget=forms.HiddenInput),
            }
        case Text():
            field: forms.Field = PromptField(
                required=parameter.required,
                strip=False,
                max_length=parameter.length_max,
                error_messages={"required": gettext_lazy("Say what happens.")},
            )
        case Choice():
            field = forms.ChoiceField(
                choices=[(choice, choice) for choice in parameter.choices],
                initial=parameter.default,
            )
        case Integer():
            field = forms.IntegerField(
                required=parameter.name != MAY_BE_EMPTY,
                min_value=parameter.low,
                max_value=parameter.high,
                initial=None if parameter.name == MAY_BE_EMPTY else parameter.default,
            )
    return {parameter.name: field}
