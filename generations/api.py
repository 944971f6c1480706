"""The REST API: WaveSpeed's protocol, so that its official clients work with our address.

One view an action; each checks its input, calls one domain function, and answers in the
envelope `{"code": 200, "message": "success", "data": …}`. Errors: config.errors.
"""

import threading
import time
import uuid
from collections.abc import Callable
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from rest_framework import serializers, status
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import webhooks
from accounts.authentication import key_of
from accounts.models import ApiKey, Scope
from billing import caps, ledger, money
from config.errors import ApiError
from generations import catalog, delivery, idempotency, images, lifecycle
from generations.key_facts import cap_facts
from generations.models import Generation, Upload
from generations.predictions import prediction, timestamp

SYNC_SECONDS_MAX = 90
SYNC_STEP_SECONDS = 0.25
# WaveSpeed's command line has an old client in it: that breaks off after 10 s and submits again,
# so that a film would be made and paid six times. All it tells of itself is Node's own name.
SYNC_SECONDS_IMPATIENT = 8
IMPATIENT_AGENTS = frozenset({"node", "undici"})
# Each waits in a thread of the web server: more of them would starve the other requests.
SYNC_WAITERS_MAX = 4
SYNC_TIMED_OUT = 5004

_sync_places = threading.BoundedSemaphore(SYNC_WAITERS_MAX)


def envelope(data: Any, headers: dict[str, str] | None = None) -> Response:
    """Answer 200 in WaveSpeed's envelope."""
    return Response({"code": 200, "message": "success", "data": data}, headers=headers)


class SubmitView(APIView):
    """`POST /api/v3/{model}`: hold the price and start a job."""

    scope = Scope.SUBMIT

    def post(self, request: Request, model: str) -> Response:
        """Answer the prediction, at once or, with `enable_sync_mode`, when it is done."""
        body = _object(request)
        wait = _flag(body, "enable_sync_mode")
        webhook = _webhook(request)
        key = key_of(request)

        def produce() -> dict[str, Any]:
            return prediction(self._request(key, model, body, webhook))

        asked = idempotency.fingerprint(model, body, webhook)
        answer, repeated = _answered_once(request, asked, produce)
        if wait:
            answer = _awaited(Generation.objects.get(pk=answer["id"]), _patience(request))
        headers = {"Idempotent-Replayed": "true"} if repeated else None
        return envelope(answer, headers)

    def _request(self, key: ApiKey, model: str, body: dict[str, Any], webhook: str) -> Generation:
        try:
            entry = catalog.model(model)
            inputs = entry.clean(body)
            upload = _own_upload(key, inputs)
            return lifecycle.request(
                key.account,
                entry,
                inputs,
                user=key.created_by,
                api_key=key,
                upload=upload,
                webhook=webhook,
            )
        except catalog.UnknownModel as error:
            raise ApiError(status.HTTP_404_NOT_FOUND, str(error)) from error
        except catalog.InvalidInput as error:
            raise ApiError(status.HTTP_400_BAD_REQUEST, str(error)) from error
        except ledger.AccountFrozen as error:
            raise ApiError(status.HTTP_403_FORBIDDEN, str(error)) from error
        except ledger.InsufficientCredit as error:
            raise _payment_required(error) from error
        except caps.CapReached as error:
            raise _cap_reached(error) from error


class ResultView(APIView):
    """`GET /api/v3/predictions/{id}/result`: the job as it stands; failed jobs are 200 too."""

    scope = Scope.READ

    def get(self, request: Request, prediction_id: str) -> Response:
        """Answer the prediction, or 404 for an id that is not this account's."""
        visible = Generation.objects.visible_to(key_of(request).account)
        try:
            generation = visible.filter(pk=uuid.UUID(prediction_id)).first()
        except ValueError:
            generation = None
        if generation is None:
            raise ApiError(status.HTTP_404_NOT_FOUND, "Prediction not found.")
        return envelope(prediction(generation))


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

    class Input(serializers.Serializer[Any]):
        filename = serializers.CharField(max_length=200)
        size = serializers.IntegerField()
        content_type = serializers.CharField(max_length=100, default="", allow_blank=True)

    def post(self, request: Request) -> Response:
        """Answer the signed address, and the one to use as `image` afterwards."""
        wanted = self.Input(data=_object(request))
        if not wanted.is_valid():
            field, reasons = next(iter(wanted.errors.items()))
            raise ApiError(status.HTTP_400_BAD_REQUEST, f'field "{field}": {reasons[0]}')
        try:
            upload = images.open_ticket(key_of(request).account, **wanted.validated_data)
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
        content = _object(request).get("content", b"")
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


def _patience(request: Request) -> float:
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


def _answered_once(
    request: Request, asked: str, produce: Callable[[], dict[str, Any]]
) -> tuple[dict[str, Any], bool]:
    """Return the answer, and whether it is an earlier one of the same Idempotency-Key."""
    name = request.headers.get("Idempotency-Key")
    if name is None:
        return produce(), False
    try:
        account = key_of(request).account
        return idempotency.answer_once(account, idempotency.checked(name), asked, produce)
    except idempotency.NameUnusable as error:
        raise ApiError(status.HTTP_400_BAD_REQUEST, str(error)) from error
    except idempotency.NameTaken as error:
        raise ApiError(status.HTTP_409_CONFLICT, str(error)) from error


def _webhook(request: Request) -> str:
    """Return the address that `?webhook=` names, "" without one."""
    address = request.query_params.get("webhook", "")
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
    message = f"{error} Buy it at {settings.PUBLIC_URL}/billing. You were not charged."
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


def _object(request: Request) -> dict[str, Any]:
    if not isinstance(request.data, dict):
        raise ApiError(
            status.HTTP_400_BAD_REQUEST, "The body must be one JSON object with the parameters."
        )
    return dict(request.data)


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
