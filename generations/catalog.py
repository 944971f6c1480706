"""What we sell: models, their parameters and their price per second.

A model is one entry here and no more: the API, the form, the price and the driver read it.
Source: WaveSpeed's page and live schema of each model.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

IMAGE_BYTES_MAX = 10 * 1024 * 1024
IMAGE_SIDE_MIN = 300
IMAGE_RATIO_MAX = (5, 2)
URL_LENGTH_MAX = 2048

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
    """A string of at most `length_max` characters, kept as it is."""

    name: str
    length_max: int
    default: str = ""

    def clean(self, value: object) -> str:
        """Return the text. Raises InvalidInput."""
        if not isinstance(value, str):
            raise InvalidInput(self.name, f"must be a string, got {shown(value)}")
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
    choices: tuple[str, ...]
    default: str

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
    low: int
    high: int
    default: int

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

    `micros_per_second` gives the price of one second in micro-dollars by resolution.
    """

    id: str
    title: str
    parameters: tuple[Parameter, ...]
    micros_per_second: Mapping[str, int]

    def clean(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return every parameter with defaults filled in. Raises InvalidInput."""
        known = {parameter.name: parameter for parameter in self.parameters}
        for field in inputs:
            if field not in known:
                names = ", ".join(known)
                raise InvalidInput(field[:60], f"is unknown; please use only: {names}")
        return {
            name: parameter.clean(inputs.get(name, getattr(parameter, "default", MISSING)))
            for name, parameter in known.items()
        }

    def parameter(self, name: str) -> Any:
        """Return the parameter of this name. Raises KeyError."""
        return {parameter.name: parameter for parameter in self.parameters}[name]


IMAGE_TO_VIDEO = Model(
    id="alibaba/happyhorse-1.1/image-to-video",
    title="HappyHorse 1.1",
    parameters=(
        Picture("image"),
        Text("prompt", length_max=2500),
        Choice("resolution", choices=("720p", "1080p"), default="720p"),
        Integer("duration", low=3, high=15, default=5),
        Integer("seed", low=-1, high=2**31 - 1, default=-1),
    ),
    micros_per_second={"720p": 140_000, "1080p": 189_000},
)

MODELS = {model.id: model for model in (IMAGE_TO_VIDEO,)}


def model(name: str) -> Model:
    """Return the model of this name. Raises UnknownModel."""
    try:
        return MODELS[name]
    except KeyError:
        raise UnknownModel(name) from None
