"""What the API answers, as JSON Schema, with an example of each."""

from typing import Any

from generations import catalog, failures

Json = dict[str, Any]

SITE = "https://gallop.example"
JOB = "6488c2754f6f4dfea924382fa14d11bd"
TOKEN = "c9f0f895fb98ab9159f51fd0297e236d-1lQnZyqp0cKtnbJ8yXbWQm4V9yq7Rr0sD2cJmB1h3kE"  # noqa: S105  a made-up upload
MOMENT = "2026-01-31T09:12:44.027Z"
DOLLARS: Json = {"type": "number", "minimum": 0}
# What was spent can be corrected below nothing, and a claw-back can leave a debt.
SIGNED_DOLLARS: Json = {"type": "number"}
COUNT: Json = {"type": "integer", "minimum": 0}


def closed(description: str, properties: Json, *optional: str) -> Json:
    """Return the schema of an object with these properties, all there but the optional ones."""
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": [name for name in properties if name not in optional],
    }


def said(description: str, schema: Json) -> Json:
    """Return the schema with words to it."""
    return {**schema, "description": description}


def _text(description: str) -> Json:
    return {"type": "string", "description": description}


def _moment(description: str) -> Json:
    return {"type": "string", "format": "date-time", "description": description}


def _or_null(schema: Json) -> Json:
    return {**schema, "type": [schema["type"], "null"]}


def _address(description: str) -> Json:
    return {"type": "string", "format": "uri", "description": description}


JOB_ID: Json = {"type": "string", "pattern": "^[0-9a-f]{32}$"}

PREDICTION = closed(
    "A job: the request for a film, and the film when it is ready.",
    {
        "id": said("Its name: 32 hexadecimal digits.", JOB_ID),
        "model": said("The model.", {"type": "string", "examples": list(catalog.MODELS)}),
        "input": {
            "type": "object",
            "description": "What was asked for, with every default filled in. In a list only with "
            "`include_inputs`.",
            "additionalProperties": True,
        },
        "outputs": {
            "type": "array",
            "description": "The address of the MP4 when it is completed. It works without a key "
            "for seven days; ask again for a fresh one. Follow redirects.",
            "items": {"type": "string", "format": "uri"},
            "maxItems": 1,
        },
        "urls": closed("Where to go on.", {"get": _address("The result of this job.")}),
        "has_nsfw_contents": {
            "type": "array",
            "description": "Always empty: what the safety check refuses is a failed job.",
            "items": {"type": "boolean"},
        },
        "status": {
            "type": "string",
            "enum": ["created", "processing", "completed", "failed"],
            "description": "`created` waits for a place, `processing` is being made, `completed` "
            "and `failed` are the end.",
        },
        "code": {
            "type": "integer",
            "description": "0 as long as nothing failed. 1200 safety check, 1401 parameters, 1402 "
            "picture, 1403 and 1405 the model, 1406 too late, 5000 our side, 5004 a sync request "
            "that took too long (the job goes on).",
        },
        "error": _text("Why it failed, in a sentence. Empty otherwise. You pay nothing for it."),
        "created_at": _moment("When it was asked for."),
        "executionTime": said("How long the model took, in milliseconds.", COUNT),
        "timings": closed("The same again.", {"inference": said("In milliseconds.", COUNT)}),
    },
    "input",
)

_INPUT = {
    "image": "https://example.com/horse.jpg",
    "prompt": "The horse gallops, dust rises",
    "resolution": "1080p",
    "duration": 5,
    "seed": -1,
}
CREATED: Json = {
    "id": JOB,
    "model": catalog.IMAGE_TO_VIDEO.id,
    "input": _INPUT,
    "outputs": [],
    "urls": {"get": f"{SITE}/api/v3/predictions/{JOB}/result"},
    "has_nsfw_contents": [],
    "status": "created",
    "code": 0,
    "error": "",
    "created_at": MOMENT,
    "executionTime": 0,
    "timings": {"inference": 0},
}
_FILM = f"{SITE}/films/6488c275-4f6f-4dfe-a924-382fa14d11bd/video.mp4?signature=…"
COMPLETED: Json = {
    **CREATED,
    "status": "completed",
    "outputs": [_FILM.replace("…", "6488c2754f6f4dfea924382fa14d11bd:1vmXkQ:T0kE")],
    "executionTime": 61234,
    "timings": {"inference": 61234},
}
FAILED: Json = {
    **CREATED,
    "status": "failed",
    "code": failures.MODERATED.code,
    "error": failures.MODERATED.sentence,
}
CANCELLED: Json = {
    **CREATED,
    "status": "failed",
    "code": failures.CANCELLED.code,
    "error": failures.CANCELLED.sentence,
}

UPLOADED = closed(
    "A picture that we have, or are about to get.",
    {
        "type": {"type": "string", "const": "image"},
        "download_url": _address("Send this as `image`."),
        "filename": _text("Its name as you gave it."),
        "size": said("In bytes.", COUNT),
    },
)
UPLOADED_EXAMPLE: Json = {
    "type": "image",
    "download_url": f"{SITE}/uploads/{TOKEN}/horse.jpg",
    "filename": "horse.jpg",
    "size": 183_412,
}

TICKET = closed(
    "A picture that is about to come, and where to send it.",
    {
        **UPLOADED["properties"],
        "upload": closed(
            "The request that sends the bytes. It takes no key: the address is the permission.",
            {
                "method": {"type": "string", "const": "PUT"},
                "url": _address("Send the bytes here, once."),
                "headers": {
                    "type": "object",
                    "description": "Send exactly these.",
                    "additionalProperties": {"type": "string"},
                },
                "expires_at": _moment("Until when."),
            },
        ),
    },
)
TICKET_EXAMPLE: Json = {
    **UPLOADED_EXAMPLE,
    "upload": {
        "method": "PUT",
        "url": f"{SITE}/api/v3/media/uploads/{TOKEN}",
        "headers": {"Content-Type": "image/jpeg", "If-None-Match": "*"},
        "expires_at": "2026-01-31T10:12:44.027Z",
    },
}

MODEL = closed(
    "A model on sale.",
    {
        "model_id": _text("Its name in addresses and bodies."),
        "name": _text("The same."),
        "base_price": said("What a film with all defaults costs, in dollars.", DOLLARS),
        "description": _text("What it does."),
        "type": _text("What it makes of what."),
        "formula": _text("How the price follows from the inputs, in JSONata."),
        "sort_order": said("The first comes first.", {"type": "integer", "minimum": 1}),
        "api_schema": closed(
            "How it is called.",
            {
                "api_schemas": {
                    "type": "array",
                    "items": closed(
                        "One call.",
                        {
                            "type": {"type": "string", "const": "model_run"},
                            "method": {"type": "string", "const": "POST"},
                            "server": _address("Our address."),
                            "api_path": _text("The path of the call."),
                            "request_schema": {
                                "type": "object",
                                "description": "The inputs as JSON Schema.",
                                "additionalProperties": True,
                            },
                        },
                    ),
                }
            },
        ),
    },
)

PRICE = closed(
    "What a job would cost.",
    {
        "model_id": _text("The model."),
        "price": said("In dollars, exact.", DOLLARS),
        "discounted_price": said("The same: there are no discounts.", DOLLARS),
        "discount_rate": {"type": "integer", "const": 100, "description": "In percent, to pay."},
        "currency": {"type": "string", "const": "USD"},
    },
)
PRICE_EXAMPLE: Json = {
    "model_id": catalog.IMAGE_TO_VIDEO.id,
    "price": 0.945,
    "discounted_price": 0.945,
    "discount_rate": 100,
    "currency": "USD",
}
LEGACY_PRICE = closed(
    "What a job would cost, under its old name.",
    {
        "model_id": _text("The model."),
        "unit_price": said("In dollars, exact.", DOLLARS),
        "currency": {"type": "string", "const": "USD"},
    },
)
LEGACY_PRICE_EXAMPLE: Json = {
    "model_id": catalog.IMAGE_TO_VIDEO.id,
    "unit_price": 0.945,
    "currency": "USD",
}

_CAP: Json = {
    "cap": _or_null(said("What it may spend in a period, in dollars; null without.", DOLLARS)),
    "cap_period": {
        "enum": ["day", "week", "month", None],
        "description": "Days, weeks and months are those of UTC; a week begins on Monday.",
    },
    "spent": _or_null(said("What it spent in this period.", SIGNED_DOLLARS)),
    "remaining": _or_null(said("What is left of it.", DOLLARS)),
    "resets_at": _or_null(_moment("When the next period begins.")),
}
ABOUT_KEY = closed(
    "What a key is and may do.",
    {
        "name": _text("The name that you gave it."),
        "prefix": _text("The first letters of its secret."),
        "mode": {
            "type": "string",
            "enum": ["live", "test"],
            "description": "A test key spends test credit on films of the sandbox.",
        },
        "scopes": {
            "type": "array",
            "items": {"type": "string", "enum": ["submit", "read", "billing"]},
            "uniqueItems": True,
        },
        "created_at": _moment("When it was made."),
        "expires_at": _or_null(_moment("When it stops to work; null for never.")),
        "previous_secret_until": _or_null(
            _moment("Until when the secret before still works; null when there is none.")
        ),
        "allowed_networks": {
            "type": "array",
            "items": {"type": "string"},
            "description": "From where it may be used; from anywhere when empty.",
        },
        **_CAP,
        "limits": closed(
            "What you may ask of us; it grows with what you have paid.",
            {
                "key_requests_per_minute": said("By this key.", COUNT),
                "account_requests_per_minute": said("By all keys of the account.", COUNT),
                "running_jobs": said("Jobs at once; more than these wait.", COUNT),
            },
        ),
    },
)
ABOUT_KEY_EXAMPLE: Json = {
    "name": "studio",
    "prefix": "gal_live_Xy3kQ9",
    "mode": "live",
    "scopes": ["submit", "read"],
    "created_at": "2026-01-05T08:00:00.000Z",
    "expires_at": None,
    "previous_secret_until": None,
    "allowed_networks": ["192.0.2.0/24"],
    "cap": 5.0,
    "cap_period": "day",
    "spent": 1.4,
    "remaining": 3.6,
    "resets_at": "2026-02-01T00:00:00.000Z",
    "limits": {
        "key_requests_per_minute": 600,
        "account_requests_per_minute": 1200,
        "running_jobs": 20,
    },
}

BILL = closed(
    "What was deducted for a job, or what came back.",
    {
        "uuid": said("The name of this row.", JOB_ID),
        "billing_type": {
            "type": "string",
            "enum": ["deduct", "refund"],
            "description": "What fails comes back whole; a film that came out shorter, in part.",
        },
        "price": said("In dollars, exact.", DOLLARS),
        "created_at": _moment("When."),
        "order": closed(
            "How far it is.",
            {
                "state": {
                    "type": "string",
                    "enum": ["pre", "done"],
                    "description": "`pre`: set aside for a job that runs. `done`: final.",
                }
            },
        ),
        "prediction": closed(
            "The job.",
            {
                "uuid": _text("Its id."),
                "status": _text("Its status, or `deleted`."),
            },
        ),
    },
)
BILL_EXAMPLE: Json = {
    "uuid": "1d0f6e3a5b7c4d2e8f9a0b1c2d3e4f50",
    "billing_type": "deduct",
    "price": 0.945,
    "created_at": MOMENT,
    "order": {"state": "done"},
    "prediction": {"uuid": JOB, "status": "completed"},
}

_USED: Json = {
    "total_cost": said("What was paid, in dollars.", SIGNED_DOLLARS),
    "total_requests": said("Jobs that were asked for.", COUNT),
    "success_requests": said("Those of them that became films.", COUNT),
}
USAGE = closed(
    "What was asked for and paid in a time.",
    {
        "per_model_usage": {
            "type": "array",
            "items": closed("One model.", {"model_uuid": _text("The model."), **_USED}),
        },
        "daily_usage": {
            "type": "array",
            "items": closed(
                "One day.",
                {"date": {"type": "string", "format": "date", "description": "In UTC."}, **_USED},
            ),
        },
        "summary": closed("All of it.", _USED),
    },
)
_SOME = {"total_cost": 2.835, "total_requests": 4, "success_requests": 3}
USAGE_EXAMPLE: Json = {
    "per_model_usage": [{"model_uuid": catalog.IMAGE_TO_VIDEO.id, **_SOME}],
    "daily_usage": [{"date": "2026-01-31", **_SOME}],
    "summary": _SOME,
}

# By the name under which the document refers to them.
SHAPES: dict[str, Json] = {
    "Prediction": PREDICTION,
    "Upload": UPLOADED,
    "UploadTicket": TICKET,
    "Model": MODEL,
    "Price": PRICE,
    "LegacyPrice": LEGACY_PRICE,
    "Key": ABOUT_KEY,
    "Bill": BILL,
    "Usage": USAGE,
}
