"""The errors that the API answers, as `{"error": {...}}` with the status that belongs to them."""

from .store import Json


class ApiError(Exception):
    """Becomes the answer. `keeps_effects`: what was written before it stays (a declined charge).

    `remembered`: the answer is kept for its idempotency key. Stripe keeps none for a request whose
    parameters it would not accept.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str = "",
        param: str = "",
        details: Json | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"message": message, "type": kind}
        self.body |= {"code": code} if code else {}
        self.body |= {"param": param} if param else {}
        self.body |= details or {}
        self.keeps_effects = kind == "card_error"
        self.remembered = status != 401 and not code.startswith("parameter_")


def parameter_missing(param: str) -> ApiError:
    return ApiError(f"Missing required param: {param}.", code="parameter_missing", param=param)


def parameter_unknown(param: str) -> ApiError:
    return ApiError(f"Received unknown parameter: {param}", code="parameter_unknown", param=param)


def parameter_invalid(param: str, message: str) -> ApiError:
    return ApiError(message, code="parameter_invalid", param=param)


def no_such(kind: str, identity: str, param: str = "id", status: int = 404) -> ApiError:
    """404 for the object that the address names, 400 for one that a parameter names."""
    name = kind.replace("checkout.session", "checkout session")
    return ApiError(
        f"No such {name}: '{identity}'", status=status, code="resource_missing", param=param
    )


def unauthorized(message: str) -> ApiError:
    return ApiError(message, status=401)


def card_error(failure: Json) -> ApiError:
    """The 402 for a failed payment. `failure` is the intent's `last_payment_error`."""
    message = str(failure["message"])
    return ApiError(message, status=402, kind="card_error", details=failure)
