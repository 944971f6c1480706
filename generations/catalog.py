"""What we sell: models, their parameters and their price per second.

A model is one entry here and no more: the API, the form, the price and the driver read it.
Source: WaveSpeed's page and live schema of each model.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, pgettext

from billing import money

IMAGE_BYTES_MAX = 10 * 1024 * 1024
IMAGE_SIDE_MIN = 300
IMAGE_RATIO_MAX = (5, 2)
URL_LENGTH_MAX = 2048
SEED_MAX = 2**31 - 1
RANDOM_SEED = -1
# What a price depends on.
PRICED = ("resolution", "duration")
# What may come with any model's parameters and is none of them.
TRANSPORT = ("enable_sync_mode",)

# What `storable` and `str.strip` say, for programs that check before they send (JSON Schema).
NO_NUL = r"^[^\u0000]*$"
NOT_ONLY_SPACES = (
    r"[^\u0000\t-\r\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
)

MISSING = object()


class UnknownModel(LookupError):
    """No model of this name is sold here."""

    def __init__(self, name: str) -> None:
        # The wording is WaveSpeed's, because their clients' users search for it.
        super().__init__(f'Model "{name}" not found. Please check the model identifier.')


class InvalidInput(ValueError):
    """A parameter that cannot be accepted; nothing was charged."""

    def __init__(self, field: str, reason: str) -> None:
        self.field = field
        self.reason = reason
        # What is quoted back may be what JSON allows and no answer can carry.
        super().__init__(f'field "{field}" {reason}'.encode(errors="replace").decode())


def shown(value: object) -> str:
    """Return how a refused value is quoted back: its JSON type and a short form of it."""
    match value:
        case bool():
            return f"boolean {str(value).lower()}"
        case str():
            return f'string "{value[:60]}"'
        case int() | float():
            return f"number {value}"
        case None:
            return "null"
    return "a list" if isinstance(value, list) else "an object"


def storable(text: str) -> bool:
    """Tell whether PostgreSQL takes the text: no NUL, and no half of a surrogate pair."""
    return not any(letter == "\x00" or "\ud800" <= letter <= "\udfff" for letter in text)


@dataclass(frozen=True)
class Text:
    """A string of at most `length_max` characters, kept as it is; a required one says something."""

    name: str
    description: str
    length_max: int
    required: bool = False
    default: str = ""

    @property
    def rule(self) -> str:
        """What is accepted, in a sentence of the reader's language."""
        if self.required:
            words = _("Required, at most %(count)s characters.")
        else:
            words = _("May be left out, at most %(count)s characters.")
        return words % {"count": self.length_max}

    @property
    def schema(self) -> dict[str, Any]:
        """The same as JSON Schema."""
        least = {"minLength": 1} if self.required else {"default": self.default}
        letters = rf"^[^\u0000]*{NOT_ONLY_SPACES}[^\u0000]*$" if self.required else NO_NUL
        return {"type": "string", **least, "maxLength": self.length_max, "pattern": letters}

    def clean(self, value: object) -> str:
        """Return the text. Raises InvalidInput."""
        if not isinstance(value, str):
            raise InvalidInput(self.name, f"must be a string, got {shown(value)}")
        if self.required and not value.strip():
            raise InvalidInput(self.name, "is required; please say what happens")
        if len(value) > self.length_max:
            raise InvalidInput(
                self.name,
                f"must have at most {self.length_max} characters, got {len(value)}; "
                "please shorten it",
            )
        if not storable(value):
            raise InvalidInput(
                self.name, "must not contain NUL or broken characters; please remove them"
            )
        return value


@dataclass(frozen=True)
class Choice:
    """One of a few strings."""

    name: str
    description: str
    choices: tuple[str, ...]
    default: str

    required = False

    @property
    def rule(self) -> str:
        """What is accepted, in a sentence of the reader's language."""
        choices = pgettext("between choices", " or ").join(self.choices)
        return _("%(choices)s; %(default)s when left out.") % {
            "choices": choices,
            "default": self.default,
        }

    @property
    def schema(self) -> dict[str, Any]:
        """The same as JSON Schema."""
        return {"type": "string", "enum": list(self.choices), "default": self.default}

    def clean(self, value: object) -> str:
        """Return the chosen string. Raises InvalidInput."""
        if isinstance(value, str) and value in self.choices:
            return value
        allowed = ", ".join(f'"{choice}"' for choice in self.choices)
        raise InvalidInput(
            self.name,
            f"must be one of [{allowed}], got {shown(value)}; please use one of the allowed values",
        )


@dataclass(frozen=True)
class Integer:
    """A whole number from `low` to `high`."""

    name: str
    description: str
    low: int
    high: int
    default: int

    required = False

    @property
    def rule(self) -> str:
        """What is accepted, in a sentence of the reader's language."""
        return _("A whole number from %(low)s to %(high)s; %(default)s when left out.") % {
            "low": self.low,
            "high": self.high,
            "default": self.default,
        }

    @property
    def schema(self) -> dict[str, Any]:
        """The same as JSON Schema."""
        bounds = {"minimum": self.low, "maximum": self.high}
        return {"type": "integer", **bounds, "default": self.default}

    def clean(self, value: object) -> int:
        """Return the number. Raises InvalidInput, also for 5.5, "5" and true."""
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if whole and not isinstance(value, bool):
            assert isinstance(value, int | float)
            if self.low <= value <= self.high:
                return int(value)
        raise InvalidInput(
            self.name, f"must be an integer from {self.low} to {self.high}, got {shown(value)}"
        )


@dataclass(frozen=True)
class Picture:
    """The address of a still picture; what is behind it is judged by generations.images."""

    name: str
    description: str

    required = True

    @property
    def rule(self) -> str:
        """What is accepted, in a sentence of the reader's language."""
        return _("Required.")

    @property
    def schema(self) -> dict[str, Any]:
        """The same as JSON Schema."""
        # Not the format "uri": addresses with letters of all scripts are welcome.
        rule = r"^https?://[^\u0000]*$"
        return {"type": "string", "minLength": 1, "maxLength": URL_LENGTH_MAX, "pattern": rule}

    def clean(self, value: object) -> str:
        """Return the address. Raises InvalidInput."""
        if value is MISSING or value == "":
            raise InvalidInput(
                self.name, "is required; please send the address of a JPEG, PNG, BMP or WEBP"
            )
        if not isinstance(value, str):
            raise InvalidInput(self.name, f"must be a string, got {shown(value)}")
        fits = len(value) <= URL_LENGTH_MAX and storable(value)
        if not value.startswith(("https://", "http://")) or not fits:
            raise InvalidInput(
                self.name,
                f"must be an http(s) address of at most {URL_LENGTH_MAX} characters, "
                f"got {shown(value)}",
            )
        return value


Parameter = Text | Choice | Integer | Picture


@dataclass(frozen=True)
class Model:
    """One model on sale.

    `label` says in a word or two what the film begins with (pages translate it), `kind` the same in
    WaveSpeed's word.
    `micros_per_second` gives the price of one second in micro-dollars by resolution.
    """

    id: str
    title: str
    label: str
    kind: str
    description: str
    parameters: tuple[Parameter, ...]
    micros_per_second: Mapping[str, int]

    def clean(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return every parameter with defaults filled in. Raises InvalidInput."""
        self._refuse_unknown(inputs)
        return self._cleaned(inputs, self.parameters)

    def clean_priced(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the price depends on, defaults filled in, of inputs that may lack the rest.

        Raises InvalidInput, also for a name that no parameter has: it may be a misspelt one.
        """
        self._refuse_unknown({name: inputs[name] for name in inputs if name not in TRANSPORT})
        return self._cleaned(inputs, [self.parameter(name) for name in PRICED])

    def parameter(self, name: str) -> Any:
        """Return the parameter of this name. Raises KeyError."""
        return {parameter.name: parameter for parameter in self.parameters}[name]

    @property
    def wants_picture(self) -> bool:
        """Whether the film begins with a picture."""
        return any(isinstance(parameter, Picture) for parameter in self.parameters)

    @property
    def schema(self) -> dict[str, Any]:
        """Its inputs as JSON Schema; WaveSpeed's clients show them in `x-order-properties`."""
        return {
            "type": "object",
            "properties": {
                parameter.name: {**parameter.schema, "description": parameter.description}
                for parameter in self.parameters
            },
            "required": [parameter.name for parameter in self.parameters if parameter.required],
            "additionalProperties": False,
            "x-order-properties": [parameter.name for parameter in self.parameters],
        }

    def _refuse_unknown(self, inputs: Mapping[str, Any]) -> None:
        known = [parameter.name for parameter in self.parameters]
        for field in inputs:
            if field not in known:
                names = ", ".join(known)
                raise InvalidInput(field[:60], f"is unknown; please use only: {names}")

    @staticmethod
    def _cleaned(inputs: Mapping[str, Any], wanted: Iterable[Parameter]) -> dict[str, Any]:
        return {
            parameter.name: parameter.clean(
                inputs.get(parameter.name, getattr(parameter, "default", MISSING))
            )
            for parameter in wanted
        }


_DURATION = Integer("duration", "How many seconds the film has.", low=3, high=15, default=5)
_SEED = Integer(
    "seed",
    "The same number with the same settings makes a similar film; -1 means by chance.",
    low=RANDOM_SEED,
    high=SEED_MAX,
    default=RANDOM_SEED,
)

IMAGE_TO_VIDEO = Model(
    id="alibaba/happyhorse-1.1/image-to-video",
    title="HappyHorse 1.1",
    label=gettext_noop("From a picture"),
    kind="image-to-video",
    description=gettext_noop(
        "Sets a still picture in motion, with sound. The film keeps the picture's shape."
    ),
    parameters=(
        Picture(
            "image",
            "The address of the first frame: JPEG, PNG, BMP or WEBP, up to 10 MB, each side at "
            "least 300 px, sides at most 2.5 to 1.",
        ),
        Text("prompt", "What happens.", length_max=2500),
        Choice("resolution", "How fine the film is.", choices=("720p", "1080p"), default="720p"),
        _DURATION,
        _SEED,
    ),
    micros_per_second={"720p": 140_000, "1080p": 189_000},
)


def text_to_video(price_1080p: str = "") -> Model:
    """Return the entry of films from words, with 1080p at so many dollars a second, if any."""
    micros = {"720p": 140_000}
    if price_1080p:
        micros["1080p"] = money.parse(price_1080p)
    return Model(
        id="alibaba/happyhorse-1.1/text-to-video",
        title="HappyHorse 1.1 from words",
        label=gettext_noop("From words"),
        kind="text-to-video",
        description=gettext_noop("Makes a film, with sound, from words alone."),
        parameters=(
            Text("prompt", "What is seen and what happens.", length_max=2500, required=True),
            Choice(
                "aspect_ratio",
                "The film's shape.",
                choices=("16:9", "9:16", "1:1", "4:3", "3:4"),
                default="16:9",
            ),
            Choice("resolution", "How fine the film is.", choices=tuple(micros), default="720p"),
            _DURATION,
            _SEED,
        ),
        micros_per_second=micros,
    )


TEXT_TO_VIDEO = text_to_video(settings.TEXT_TO_VIDEO_1080P_PRICE)

MODELS = {model.id: model for model in (IMAGE_TO_VIDEO, TEXT_TO_VIDEO)}


def model(name: str) -> Model:
    """Return the model of this name. Raises UnknownModel."""
    try:
        return MODELS[name]
    except KeyError:
        raise UnknownModel(name) from None
