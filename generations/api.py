"""The REST API: WaveSpeed's protocol, so that its official clients work with our address.

One view an action; each checks its input, calls one domain function, and answers in the
envelope `{"code": 200, "message": "success", "data": …}`. Errors: config.errors.
"""

import threading
import time
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from rest_framework import status
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import webhooks
from accounts.authentication import key_of
from accounts.keyed_view import Call, KeyedView
from accounts.keys import Question
from accounts.models import ApiKey, Scope
from billing import caps, ledger, money
from config import log_context
from config.errors import ApiError
from generations import catalog, delivery, idempotency, images, lifecycle, predictions
from generations.asked import Asked, Whole, Words
from generations.key_facts import cap_facts
from generations.models import Generation, Upload
from generations.predictions import prediction, timestamp

SYNC_SECONDS_MAX = 90
SYNC_STEP_SECONDS = 0.25
# WaveSpeed's command line has an old client in it: that breaks off after 10 s and submits again,
# so that a film would be made and paid six times. All it tells of itself is Node's own name.
SYNC_SECONDS_IMPATIENT = 8
IMPATIENT_AGENTS = frozenset({"node", "undici"})
# Each waits in one of the few threads of its process: more of them would starve other requests.
SYNC_WAITERS_MAX = max(1, settings.WEB_THREADS // 2)
SYNC_TIMED_OUT = 5004

# What keeps a job from being begun, and how a program is told; the two with figures are apart.
REFUSALS_STATUS: dict[type[Exception], int] = {
    catalog.UnknownModel: status.HTTP_404_NOT_FOUND,
    catalog.InvalidInput: status.HTTP_400_BAD_REQUEST,
    idempotency.NameUnusable: status.HTTP_400_BAD_REQUEST,
    idempotency.NameTaken: status.HTTP_409_CONFLICT,
    ledger.AccountFrozen: status.HTTP_403_FORBIDDEN,
}
REFUSALS: tuple[type[Exception], ...] = (
    *REFUSALS_STATUS,
    ledger.InsufficientCredit,
    caps.CapReached,
)

_sync_places = threading.BoundedSemaphore(SYNC_WAITERS_MAX)


def envelope(data: Any, headers: dict[str, str] | None = None) -> Response:
    """Answer 200 in WaveSpeed's envelope."""
    return Response({"code": 200, "message": "success", "data": data}, headers=headers)


class SubmitView(KeyedView):
    """`POST /api/v3/{model}`: hold the price and start a job."""

    scope = Scope.SUBMIT

    def on_post(self, call: Call, model: str) -> dict[str, Any]:
        """Answer the prediction, at once or, with `enable_sync_mode`, when it is done."""
        body = _object(call.data)
        wait = _flag(body, "enable_sync_mode")
        webhook = _webhook(call.request)
        try:
            job = _draft(call.key, model, body, webhook)
            fresh = prediction(job)
            once = _once(call.request, (model, body, webhook), fresh)
            kept = lifecycle.begin(job, once)
            log_context.bind(job=job.pk.hex)
        except REFUSALS as error:
            raise _refusal(error) from error
        if kept:
            self.headers["Idempotent-Replayed"] = "true"
        answer = kept or fresh
        if wait:
            return _awaited(Generation.objects.get(pk=answer["id"]), _patience(call.request))
        return answer


class ResultView(KeyedView):
    """`GET /api/v3/predictions/{id}/result`: the job as it stands; failed jobs are 200 too."""

    scope = Scope.READ

    def question(self, prediction_id: str) -> Question:
        """Ask for the job together with the key."""
        return predictions.question(prediction_id)

    def on_get(self, call: Call, prediction_id: str) -> dict[str, Any]:
        """Answer the prediction, or 404 for an id that is not this account's."""
        del prediction_id
        if call.answer is None:
            raise ApiError(status.HTTP_404_NOT_FOUND, "Prediction not found.")
        return prediction(predictions.found(call.answer))


class BalanceView(APIView):
    """`GET /api/v3/balance`: what can be spent, in dollars."""

    scope = Scope.BILLING

    def get(self, request: Request) -> Response:
        """Answer the available credit as a JSON number with every digit that counts."""
        book = ledger.book(key_of(request).account)
        return envelope({"balance": number(book.available_micros)})


class UploadTicketView(APIView):
    """`POST /api/v3/media/uploads`: announce a picture and learn where to PUT it."""

    scope = Scope.SUBMIT

    class Input(Asked):
        filename = Words(max_length=200)
        size = Whole()
        content_type = Words(max_length=100, default="", allow_blank=True)

    def post(self, request: Request) -> Response:
        """Answer the signed address, and the one to use as `image` afterwards."""
        wanted = self.Input.of(request)
        try:
            upload = images.open_ticket(key_of(request).account, **wanted)
        except images.ImageRefused as refusal:
            raise ApiError(status.HTTP_400_BAD_REQUEST, str(refusal)) from refusal
        path = reverse("api_upload_put", kwargs={"token": images.token(upload)})
        instruction = {
            "method": "PUT",
            "url": settings.PUBLIC_URL + path,
            "headers": {"Content-Type": upload.content_type, "If-None-Match": "*"},
            "expires_at": timestamp(upload.created_at + images.TICKET_LIFE),
        }
        return envelope({**_uploaded(upload), "upload": instruction})


class RawParser(BaseParser):
    """Takes any body as `content`, reading one byte past the limit and no more."""

    media_type = "*/*"

    def parse(self, stream: IO[bytes], *_: object, **__: object) -> dict[str, bytes]:
        """Return the bytes."""
        return {"content": stream.read(catalog.IMAGE_BYTES_MAX + 1)}


class UploadPutView(APIView):
    """`PUT` of the bytes to the signed address; the address itself is the permission."""

    parser_classes = (RawParser,)
    authentication_classes = ()
    permission_classes = ()

    def put(self, request: Request, token: str) -> Response:
        """Judge and keep the picture: 200, or 400 with what is wrong with it."""
        upload = images.by_token(token)
        if upload is None:
            raise ApiError(status.HTTP_404_NOT_FOUND, "There is no such upload.")
        # No parser runs for an empty body.
        content = _object(request.data).get("content", b"")
        try:
            images.fill_ticket(upload, content, request.headers.get("Content-Type", ""))
        except images.ImageRefused as refusal:
            raise ApiError(status.HTTP_400_BAD_REQUEST, str(refusal)) from refusal
        return envelope(_uploaded(upload))


class UploadBinaryView(APIView):
    """`POST /api/v3/media/upload/binary`: a picture as the multipart field `file`."""

    scope = Scope.SUBMIT
    parser_classes = (MultiPartParser,)

    def post(self, request: Request) -> Response:
        """Judge and keep the picture: 200, or 400 with what is wrong with it."""
        file = request.FILES.get("file")
        if not isinstance(file, UploadedFile):
            raise ApiError(
                status.HTTP_400_BAD_REQUEST, "Send the picture as the multipart field 'file'."
            )
        try:
            upload = images.receive(
                key_of(request).account,
                file.read(catalog.IMAGE_BYTES_MAX + 1),
                file.name or "picture",
                claimed_type=_image_type(file.content_type),
            )
        except images.ImageRefused as refusal:
            raise ApiError(status.HTTP_400_BAD_REQUEST, str(refusal)) from refusal
        return envelope(_uploaded(upload))


def upload_file(request: HttpRequest, token: str, filename: str) -> HttpResponseBase:
    """`GET` of an uploaded picture by its unguessable address."""
    del filename
    upload = images.by_token(token)
    if upload is None:
        raise Http404("There is no such upload.")
    return delivery.serve(request, upload.file)


def _patience(request: HttpRequest) -> float:
    """Return for how many seconds a sync request may be kept waiting."""
    nameless = "X-Client-Name" not in request.headers
    if nameless and request.headers.get("User-Agent") in IMPATIENT_AGENTS:
        return min(SYNC_SECONDS_IMPATIENT, SYNC_SECONDS_MAX)
    return SYNC_SECONDS_MAX


def _awaited(generation: Generation, seconds_max: float) -> dict[str, Any]:
    """Wait for the end of a job, or answer like WaveSpeed's sync timeout."""
    until = time.monotonic() + seconds_max
    if _sync_places.acquire(blocking=False):
        try:
            while not generation.is_finished and time.monotonic() < until:
                time.sleep(SYNC_STEP_SECONDS)
                generation.refresh_from_db()
        finally:
            _sync_places.release()
    if generation.is_finished:
        return prediction(generation)
    message = (
        f"Sync mode timed out after {seconds_max} seconds. "
        "The prediction is still processing asynchronously."
    )
    late = {"status": "processing", "code": SYNC_TIMED_OUT, "error": message}
    return {**prediction(generation), **late}


def _draft(key: ApiKey, model: str, body: dict[str, Any], webhook: str) -> Generation:
    """Return the job that is asked for. Raises UnknownModel, InvalidInput."""
    entry = catalog.model(model)
    inputs = entry.clean(body)
    return lifecycle.draft(
        key.account,
        entry,
        inputs,
        user_id=key.created_by_id,
        api_key=key,
        upload=_own_upload(key, inputs),
        webhook=webhook,
    )


def _once(
    request: HttpRequest, asked: tuple[object, ...], answer: dict[str, Any]
) -> idempotency.Once | None:
    """Return what the request's Idempotency-Key asks for, if it has one. Raises NameUnusable."""
    name = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if name is None:
        return None
    return idempotency.Once(idempotency.checked(name), idempotency.fingerprint(*asked), answer)


def _refusal(error: Exception) -> ApiError:
    """Return how a program is told why its job was not begun."""
    if isinstance(error, ledger.InsufficientCredit):
        return _payment_required(error)
    if isinstance(error, caps.CapReached):
        return _cap_reached(error)
    return ApiError(REFUSALS_STATUS[type(error)], str(error))


def _webhook(request: HttpRequest) -> str:
    """Return the address that `?webhook=` names, "" without one."""
    address = request.GET.get("webhook", "")
    try:
        return webhooks.checked(address) if address else ""
    except webhooks.AddressRefused as refusal:
        message = f'parameter "webhook": {refusal}'
        raise ApiError(status.HTTP_400_BAD_REQUEST, message) from refusal


def _own_upload(key: ApiKey, inputs: dict[str, Any]) -> Upload | None:
    if "image" not in inputs:
        return None
    try:
        return images.own_upload(key.account, inputs["image"])
    except images.ImageRefused as refusal:
        raise catalog.InvalidInput("image", str(refusal)) from refusal


def _payment_required(error: ledger.InsufficientCredit) -> ApiError:
    data = {
        "price": number(error.price_micros),
        "balance": number(error.available_micros),
        "missing": number(error.missing_micros),
    }
    message = f"{error} There is more at {settings.PUBLIC_URL}/billing. You were not charged."
    return ApiError(status.HTTP_402_PAYMENT_REQUIRED, message, data)


def _cap_reached(error: caps.CapReached) -> ApiError:
    data = {"price": number(error.price_micros), **cap_facts(error.standing)}
    message = f"{error} Raise the cap at {settings.PUBLIC_URL}/account/keys, or wait until then."
    return ApiError(status.HTTP_402_PAYMENT_REQUIRED, message, data)


def _flag(body: dict[str, Any], name: str) -> bool:
    value = body.pop(name, False)
    if not isinstance(value, bool):
        raise ApiError(
            status.HTTP_400_BAD_REQUEST,
            f'field "{name}" must be true or false, got {catalog.shown(value)}',
        )
    return value


def _object(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ApiError(
            status.HTTP_400_BAD_REQUEST, "The body must be one JSON object with the parameters."
        )
    return dict(data)


def _image_type(content_type: str | None) -> str:
    """Return the claimed type, or nothing when the client made no claim about the picture."""
    return "" if content_type in {None, images.UNKNOWN_TYPE} else str(content_type)


def _uploaded(upload: Upload) -> dict[str, Any]:
    return {
        "type": "image",
        "download_url": images.address(upload),
        "filename": upload.filename,
        "size": upload.size,
    }


def number(micros: int) -> float:
    """Return dollars as a JSON number: the shortest that reads back to the same micro-dollars."""
    return float(money.decimal(micros))
