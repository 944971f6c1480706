"""Every call of the API, described; the inputs of the models come from the catalogue.

Those about the account and its past are in account_calls.
"""

from collections.abc import Iterator
from typing import Any

from config.openapi import IDEMPOTENCY_KEY, JSON, Body, Described, answering, ref
from generations import api, api_catalog, catalog, images
from generations.openapi import shapes
from generations.openapi.account_calls import ACCOUNT_CALLS
from generations.openapi.subjects import FILMS, PICTURES, PRICES

Json = dict[str, Any]

PREDICTION_ID: Json = {
    "name": "prediction_id",
    "in": "path",
    "required": True,
    "description": "The `id` of the job.",
    "schema": shapes.JOB_ID,
    "example": shapes.JOB,
}
WEBHOOK: Json = {
    "name": "webhook",
    "in": "query",
    "description": "Where your server wants to hear of the end of this job: https on the ordinary "
    "port, a public address. It gets the bare prediction, signed with the account's secret. An "
    "empty one is none.",
    "schema": {
        "type": "string",
        "maxLength": 2048,
        "pattern": r"^$|^https://[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?(\.[a-z0-9]{1,20}){0,5}"
        r"\.[a-z]{2,10}(/[A-Za-z0-9._~-]{0,60}){0,5}$",
    },
    "example": "https://example.com/hooks/gallop",
}
TOKEN: Json = {
    "name": "token",
    "in": "path",
    "required": True,
    "description": "The end of the address that `POST /api/v3/media/uploads` gave.",
    "schema": {"type": "string", "minLength": 1, "pattern": "^[A-Za-z0-9_-]+$"},
    "example": shapes.TOKEN,
}
PICTURE: Json = {"type": "string", "format": "binary", "minLength": 1}
LINK_TO_JOB: Json = {
    name: {
        "operationId": operation,
        "parameters": {"prediction_id": "$response.body#/data/id"},
        "description": words,
    }
    for name, operation, words in (
        ("result", "getResult", "Ask how it stands."),
        ("cancel", "cancelPrediction", "Call it off while it waits."),
    )
}
LINK_TO_PUT: Json = {
    "send": {
        "operationId": "putUpload",
        "parameters": {
            "token": r"$response.body#/data/upload/url#regex:/uploads/([A-Za-z0-9_-]+)$"
        },
        "description": "Send the bytes.",
    }
}


def submission(model: catalog.Model) -> Described:
    """Return the call that asks for a film of this model."""
    schema = model.schema
    schema["properties"] = {
        **schema["properties"],
        "enable_sync_mode": {
            "type": "boolean",
            "default": False,
            "description": "Wait for the end, at most "
            f"{api.SYNC_SECONDS_MAX} s; then `code` 5004 says that the job goes on.",
        },
    }
    return Described(
        id=f"submit{_camel(model.kind)}",
        subject=FILMS,
        summary=f"Make a film: {model.label.lower()}",
        description=f"{model.description} The price is held at once, charged when the film is "
        "ready, and given back in full when there is none.",
        answer="The job. It may take a minute to five; ask for its result, or let a webhook tell.",
        **answering(
            ref("schemas", "Prediction"),
            None,
            created={**shapes.CREATED, "model": model.id, "input": model.clean(_asked(model))},
        ),
        parameters=(WEBHOOK, IDEMPOTENCY_KEY),
        body=Body({JSON: schema}, {"film": _asked(model)}),
        refusals=(402, 409, 503),
        headers={"Idempotent-Replayed": "Replayed"},
        links=LINK_TO_JOB,
    )


def _asked(model: catalog.Model) -> Json:
    """Return an example of inputs."""
    some = {
        "image": "https://example.com/horse.jpg",
        "prompt": "The horse gallops, dust rises",
        "aspect_ratio": "16:9",
        "resolution": "720p",
        "duration": 5,
    }
    names = {parameter.name for parameter in model.parameters}
    return {name: value for name, value in some.items() if name in names}


def _camel(kind: str) -> str:
    return "".join(word.capitalize() for word in kind.split("-"))


def _priced(model: catalog.Model) -> Json:
    """Return the schema of a question for this model's price: only what it depends on is read."""
    inputs = {
        name: rule if name in catalog.PRICED else {"description": rule["description"]}
        for name, rule in model.schema["properties"].items()
    }
    return {
        "type": "object",
        "properties": {
            "model_id": {"type": "string", "const": model.id},
            "inputs": {
                "type": ["object", "null"],
                "properties": {**inputs, "enable_sync_mode": {}},
                "additionalProperties": False,
            },
        },
        "required": ["model_id"],
        "additionalProperties": False,
    }


def _price_body() -> Body:
    asked = {
        "model_id": catalog.IMAGE_TO_VIDEO.id,
        "inputs": {"resolution": "1080p", "duration": 5},
    }
    schema = {"anyOf": [_priced(model) for model in catalog.MODELS.values()]}
    return Body({JSON: schema}, {"five_seconds": asked})


RESULT = {
    "subject": FILMS,
    "summary": "Ask how a job stands",
    "description": "Every few seconds is often enough. A job that failed answers 200 as well: look "
    "at `status` and `error`.",
    "answer": "The job as it stands.",
    **answering(
        ref("schemas", "Prediction"),
        None,
        created=shapes.CREATED,
        completed=shapes.COMPLETED,
        failed=shapes.FAILED,
    ),
    "parameters": (PREDICTION_ID,),
    "refusals": (404,),
}

UPLOAD_KINDS = [*images.FORMATS.values(), images.UNKNOWN_TYPE]
ANNOUNCEMENT: Json = {
    "type": "object",
    "properties": {
        "filename": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": catalog.NO_NUL},
        "size": {
            "type": "integer",
            "minimum": 1,
            "maximum": catalog.IMAGE_BYTES_MAX,
            "description": "In bytes.",
        },
        "content_type": {
            "enum": [*UPLOAD_KINDS, "", None],
            "description": "Its kind; left out, the bytes decide.",
        },
    },
    "required": ["filename", "size"],
    "additionalProperties": False,
}

CALLS: dict[str, Described] = {
    "GET /api/v3/predictions/{prediction_id}/result": Described(id="getResult", **RESULT),
    "GET /api/v3/predictions/{prediction_id}": Described(
        id="getPrediction", **{**RESULT, "summary": "The same under a shorter name"}
    ),
    "POST /api/v3/predictions/{prediction_id}/cancel": Described(
        id="cancelPrediction",
        subject=FILMS,
        summary="Call a job off",
        description="Works while the job waits for a place, and gives everything back. Once the "
        "model has it, the answer is 409.",
        answer="The job, which has failed now and costs nothing.",
        **answering(ref("schemas", "Prediction"), shapes.CANCELLED),
        parameters=(PREDICTION_ID,),
        refusals=(404, 409),
    ),
    "POST /api/v3/media/uploads": Described(
        id="openUpload",
        subject=PICTURES,
        summary="Announce a picture",
        description="Say how large the picture is and of what kind; the answer says where to PUT "
        "its bytes, and which address to send as `image` afterwards.",
        answer="Where to send the bytes, within an hour.",
        **answering(ref("schemas", "UploadTicket"), shapes.TICKET_EXAMPLE),
        body=Body(
            {JSON: ANNOUNCEMENT},
            {"jpeg": {"filename": "horse.jpg", "size": 183_412, "content_type": "image/jpeg"}},
        ),
        links=LINK_TO_PUT,
    ),
    "PUT /api/v3/media/uploads/{token}": Described(
        id="putUpload",
        subject=PICTURES,
        summary="Send the bytes",
        description="The picture is judged at once: JPEG, PNG, BMP or WEBP of at most 10 MB, each "
        "side at least 300 px, sides at most 2.5 to 1. Send exactly the headers that the "
        "announcement named; each address takes one picture.",
        answer="The picture is kept and can be used.",
        **answering(ref("schemas", "Upload"), shapes.UPLOADED_EXAMPLE),
        parameters=(TOKEN,),
        body=Body(dict.fromkeys(UPLOAD_KINDS, PICTURE)),
        refusals=(404, 503),
    ),
    "POST /api/v3/media/upload/binary": Described(
        id="uploadForm",
        subject=PICTURES,
        summary="Send a picture in one go",
        description="As the field `file` of a form. It is judged as above.",
        answer="The picture is kept and can be used.",
        **answering(ref("schemas", "Upload"), shapes.UPLOADED_EXAMPLE),
        body=Body(
            {
                "multipart/form-data": {
                    "type": "object",
                    "properties": {"file": PICTURE},
                    "required": ["file"],
                }
            }
        ),
        refusals=(503,),
    ),
    "POST /api/v3/model/price": Described(
        id="askPrice",
        subject=PRICES,
        summary="Ask what a film would cost",
        description="What is left out counts with its default.",
        answer="The exact price.",
        **answering(ref("schemas", "Price"), shapes.PRICE_EXAMPLE),
        body=_price_body(),
        refusals=(404,),
    ),
    "POST /api/v3/model/pricing": Described(
        id="askPricing",
        subject=PRICES,
        summary="The same for older clients",
        description="What WaveSpeed's command line still calls.",
        answer="The exact price.",
        **answering(ref("schemas", "LegacyPrice"), shapes.LEGACY_PRICE_EXAMPLE),
        body=_price_body(),
        refusals=(404,),
    ),
    **ACCOUNT_CALLS,
}


def of_models() -> Iterator[tuple[str, Described]]:
    """Yield what the catalogue decides, as a call with its description."""
    for model in catalog.MODELS.values():
        yield f"POST {path_of(model)}", submission(model)
    yield (
        "GET /api/v3/models",
        Described(
            id="listModels",
            subject=PRICES,
            summary="List the models",
            description="Each with its price, how that is reckoned, and the JSON Schema of its "
            "inputs.",
            answer="All models on sale.",
            **answering(
                {"type": "array", "items": ref("schemas", "Model")}, api_catalog.all_listed()
            ),
        ),
    )


def path_of(model: catalog.Model) -> str:
    """Return where a film of this model is asked for."""
    return f"/api/v3/{model.id}"
