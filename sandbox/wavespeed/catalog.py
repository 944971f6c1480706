"""The models on sale, their parameters and prices; source: the protocol sheet's tables."""

from dataclasses import dataclass
from typing import Any

from sandbox.wavespeed.answers import RefusalError, dollars
from sandbox.wavespeed.schema import Properties, resolve

MAKER = "alibaba/happyhorse-1.1"
# The 1080p price of text-to-video is unconfirmed and taken to be the same.
PRICE_PER_SECOND_MICROS = {"720p": 140_000, "1080p": 189_000}
BASE_SECONDS = 5

_COMMON: Properties = {
    "resolution": {"type": "string", "enum": ["720p", "1080p"], "default": "720p"},
    "duration": {"type": "integer", "minimum": 3, "maximum": 15, "default": 5},
    "seed": {"type": "integer", "minimum": -1, "maximum": 2_147_483_647, "default": -1},
}
# Understood by every model, listed by none.
_TRANSPORT: Properties = {"enable_sync_mode": {"type": "boolean", "default": False}}


@dataclass(frozen=True)
class Model:
    """One model: the name it is called by and the schema of its inputs."""

    id: str
    kind: str
    description: str
    properties: Properties
    required: tuple[str, ...]

    def resolved(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """The inputs with their defaults, `enable_sync_mode` among them. Refuses with 400."""
        return resolve(inputs, self.properties | _TRANSPORT, self.required)

    def price_micros(self, inputs: dict[str, Any]) -> int:
        """What resolved inputs cost, in millionths of a dollar."""
        return PRICE_PER_SECOND_MICROS[inputs["resolution"]] * int(inputs["duration"])

    def listed(self, server: str) -> dict[str, Any]:
        """The model as GET /models shows it."""
        return {
            "model_id": self.id,
            "name": self.id,
            "base_price": dollars(PRICE_PER_SECOND_MICROS["720p"] * BASE_SECONDS),
            "description": self.description,
            "type": self.kind,
            "formula": 'duration * (resolution == "1080p" ? 0.189 : 0.14)',
            "api_schema": {"api_schemas": [self._run_schema(server)]},
        }

    def _run_schema(self, server: str) -> dict[str, Any]:
        return {
            "type": "model_run",
            "method": "POST",
            "server": server,
            "api_path": f"/api/v3/{self.id}",
            "request_schema": {
                "type": "object",
                "properties": self.properties,
                "required": list(self.required),
                "additionalProperties": False,
            },
        }


_IMAGE_TO_VIDEO = Model(
    id=f"{MAKER}/image-to-video",
    kind="image-to-video",
    description="Sets a still picture in motion, with sound.",
    properties={
        "image": {"type": "string", "format": "uri", "minLength": 1},
        "prompt": {"type": "string", "maxLength": 2500},
        **_COMMON,
    },
    # So says the live schema, although the model's page calls the prompt optional.
    required=("image", "prompt"),
)
_TEXT_TO_VIDEO = Model(
    id=f"{MAKER}/text-to-video",
    kind="text-to-video",
    description="Makes a video, with sound, from words alone.",
    properties={
        "prompt": {"type": "string", "minLength": 1, "maxLength": 2500},
        "aspect_ratio": {
            "type": "string",
            "enum": ["16:9", "9:16", "1:1", "4:3", "3:4"],
            "default": "16:9",
        },
        **_COMMON,
    },
    required=("prompt",),
)
MODELS = {model.id: model for model in (_IMAGE_TO_VIDEO, _TEXT_TO_VIDEO)}


def find(model_id: str) -> Model:
    """Refuses (404) a model that is not on sale."""
    if model_id not in MODELS:
        raise RefusalError(404, f'Model "{model_id}" not found. Please check the model identifier.')
    return MODELS[model_id]
