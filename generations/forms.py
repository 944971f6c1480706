"""The playground's form; what it accepts is what the catalogue says."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from accounts.models import Account
from generations import catalog, images, pricing
from generations.catalog import IMAGE_BYTES_MAX, IMAGE_TO_VIDEO, InvalidInput
from generations.models import Upload

DURATION = IMAGE_TO_VIDEO.parameter("duration")
RESOLUTION = IMAGE_TO_VIDEO.parameter("resolution")
PROMPT = IMAGE_TO_VIDEO.parameter("prompt")
SEED = IMAGE_TO_VIDEO.parameter("seed")


class PromptField(forms.CharField):
    """Words in which a line break is one character, as the browser counts and the model reads."""

    def to_python(self, value: Any) -> Any:
        return (super().to_python(value) or "").replace("\r\n", "\n")


class CreateForm(forms.Form):
    """A picture, either sent now or kept from an earlier try, and the model's parameters."""

    picture = forms.FileField(required=False)
    kept = forms.UUIDField(required=False, widget=forms.HiddenInput)
    prompt = PromptField(
        required=False,
        strip=False,
        max_length=PROMPT.length_max,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    resolution = forms.ChoiceField(
        choices=[(choice, choice) for choice in RESOLUTION.choices],
        initial=RESOLUTION.default,
        widget=forms.RadioSelect,
    )
    duration = forms.IntegerField(
        min_value=DURATION.low, max_value=DURATION.high, initial=DURATION.default
    )
    seed = forms.IntegerField(required=False, min_value=SEED.low, max_value=SEED.high)

    def __init__(self, account: Account, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.account = account
        self.upload: Upload | None = None

    @property
    def chosen(self) -> dict[str, Any]:
        """The resolution and duration that the page shows: the default instead of nonsense."""
        return {name: self._usable(name) for name in ("resolution", "duration")}

    @property
    def price_micros(self) -> int:
        """What a film with these settings costs."""
        return pricing.quote(IMAGE_TO_VIDEO, self.chosen)

    def clean(self) -> dict[str, Any]:
        """Keep the picture, even when something else is wrong, and add `inputs`."""
        cleaned = super().clean() or {}
        self.upload = self._kept(cleaned)
        try:
            self.upload = self._sent(cleaned) or self.upload
        except images.ImageRefused as refusal:
            self.add_error("picture", str(refusal))
        if self.upload is None and "picture" not in self.errors:
            self.add_error("picture", "Choose a picture to begin with.")
        if self.upload is not None and not self.errors:
            cleaned["inputs"] = self._inputs(cleaned, self.upload)
        return cleaned

    def _usable(self, name: str) -> Any:
        field = self.fields[name]
        try:
            return field.clean(self[name].value())
        except ValidationError:
            return field.initial

    def _sent(self, cleaned: dict[str, Any]) -> Upload | None:
        sent = cleaned.get("picture")
        if not isinstance(sent, UploadedFile):
            return None
        content = sent.read(IMAGE_BYTES_MAX + 1)
        return images.receive(self.account, content, sent.name or "picture")

    def _kept(self, cleaned: dict[str, Any]) -> Upload | None:
        own = Upload.objects.filter(account=self.account).exclude(file="")
        return own.filter(pk__in=[cleaned.get("kept")]).first()

    def _inputs(self, cleaned: dict[str, Any], upload: Upload) -> dict[str, Any]:
        seed = cleaned["seed"]
        wanted = {
            "image": images.address(upload),
            "prompt": cleaned["prompt"],
            "resolution": cleaned["resolution"],
            "duration": cleaned["duration"],
            "seed": SEED.default if seed is None else seed,
        }
        try:
            return catalog.IMAGE_TO_VIDEO.clean(wanted)
        except InvalidInput as error:
            self.add_error(error.field, f"It {error.reason}.")
            return {}
