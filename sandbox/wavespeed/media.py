"""Files that come in and go out: upload tickets, signed PUTs, downloads of uploads and films."""

import hashlib
import hmac
import mimetypes
import re
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import urlencode

import anyio
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from sandbox.settings import Settings
from sandbox.wavespeed.answers import RefusalError, date_long, json_body, keyed, plain, success
from sandbox.wavespeed.schema import resolve
from sandbox.wavespeed.store import Store

UPLOAD_BYTES_MAX = 200_000_000
TICKET_SECONDS = 3600
CONTENT_TYPE_UNKNOWN = "application/octet-stream"

_TICKET = {
    "filename": {"type": "string", "minLength": 1, "maxLength": 1000},
    "size": {"type": "integer", "minimum": 1, "maximum": UPLOAD_BYTES_MAX},
    "content_type": {"type": "string", "maxLength": 200},
}


@dataclass(frozen=True)
class Media:
    """The stand-in's files under `data`, and the URLs they are served at."""

    settings: Settings
    clock: Callable[[], float]
    store: Store

    def __post_init__(self) -> None:
        for folder in (self._uploads, self._outputs):
            folder.mkdir(parents=True, exist_ok=True)

    def routes(self) -> list[Route]:
        """Tickets and the older upload need the API key; files and signed PUTs do not."""
        key = self.settings.wavespeed_api_key
        return [
            Route("/api/v3/media/uploads", keyed(key, self._issue_ticket), methods=["POST"]),
            Route("/api/v3/media/upload/binary", keyed(key, self._take_form), methods=["POST"]),
            Route("/media/uploads/{token}/{name}", plain(self._take_file), methods=["PUT"]),
            Route("/media/uploads/{token}/{name}", plain(self._serve_upload)),
            Route("/media/outputs/{name}", plain(self._serve_output)),
        ]

    def output_path(self, prediction_id: str) -> Path:
        """Where a prediction's film lies."""
        return self._outputs / f"{prediction_id}.mp4"

    def output_url(self, prediction_id: str) -> str:
        """Where a prediction's film is downloaded."""
        return f"{self.settings.url}/media/outputs/{prediction_id}.mp4"

    def upload_path(self, url: str) -> Path | None:
        """The file behind a URL of ours, None for any other URL or one nothing arrived at."""
        # Not fetched: in process there is nobody listening at that address.
        path = url.removeprefix(f"{self.settings.url}/media/uploads/")
        if path == url or self.store.upload_type(path) is None:
            return None
        return self._uploads / path.replace("/", "-")

    async def _issue_ticket(self, request: Request) -> Response:
        asked = resolve(await json_body(request), _TICKET, ("filename", "size"))
        name = _safe_name(asked["filename"])
        kind = asked.get("content_type") or mimetypes.guess_type(name)[0] or CONTENT_TYPE_UNKNOWN
        # The token makes the address a secret; the name is for people to read.
        path = f"{secrets.token_hex(16)}/{name}"
        expires = int(self.clock()) + TICKET_SECONDS
        terms = {"size": asked["size"], "type": kind, "expires": expires}
        query = urlencode(terms | {"signature": self._signature(path, **terms)})
        upload = {
            "method": "PUT",
            "url": f"{self._url(path)}?{query}",
            "headers": {"Content-Type": kind, "If-None-Match": "*"},
            "expires_at": date_long(expires),
        }
        return success(self._described(path, kind, asked["size"]) | {"upload": upload})

    async def _take_file(self, request: Request) -> Response:
        """The signed PUT; refuses any header but those the ticket named, as storage would."""
        path = f"{request.path_params['token']}/{request.path_params['name']}"
        terms = self._terms(request, path)
        if "authorization" in request.headers:
            raise RefusalError(
                400, "Only one way of authorization is allowed, and the URL is signed."
            )
        if request.headers.get("content-type") != terms["type"]:
            raise RefusalError(403, "Content-Type differs from the signed one.")
        if request.headers.get("if-none-match") != "*":
            raise RefusalError(403, "If-None-Match differs from the signed one.")
        if self.store.upload_type(path) is not None:
            raise RefusalError(412, "There is a file already.")
        received = await self._received(path, request.stream(), int(terms["size"]))
        if received != int(terms["size"]):
            raise RefusalError(400, "The file's size differs from the signed one.")
        # Only now does it exist: after a broken transfer the ticket can be used again.
        self.store.keep_upload(path, terms["type"])
        return Response(status_code=200)

    def _terms(self, request: Request, path: str) -> dict[str, str]:
        terms = {name: request.query_params.get(name, "") for name in ("size", "type", "expires")}
        given = request.query_params.get("signature", "")
        if not hmac.compare_digest(given.encode(), self._signature(path, **terms).encode()):
            raise RefusalError(403, "The signature does not match.")
        if self.clock() > int(terms["expires"]):
            raise RefusalError(403, "The signed URL has expired.")
        return terms

    async def _received(self, path: str, chunks: AsyncIterator[bytes], size_max: int) -> int:
        """Writes the file and counts its bytes; one byte more than allowed ends it."""
        received = 0
        async with await anyio.open_file(self._file(path), "wb") as file:
            async for chunk in chunks:
                received += len(chunk)
                if received > size_max:
                    break
                await file.write(chunk)
        return received

    async def _take_form(self, request: Request) -> Response:
        """The older way: one multipart field named file."""
        async with request.form(max_files=1) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise RefusalError(400, 'field "file" is required; please provide it')
            name = _safe_name(file.filename or "upload")
            kind = file.content_type or mimetypes.guess_type(name)[0] or CONTENT_TYPE_UNKNOWN
            path = f"{secrets.token_hex(16)}/{name}"
            size = await self._received(path, _chunks(file), UPLOAD_BYTES_MAX)
        if size > UPLOAD_BYTES_MAX:
            raise RefusalError(413, "File size exceeds the 200 MB limit.")
        self.store.keep_upload(path, kind)
        return success(self._described(path, kind, size))

    async def _serve_upload(self, request: Request) -> Response:
        path = f"{request.path_params['token']}/{request.path_params['name']}"
        kind = self.store.upload_type(path)
        # The folder may hold broken transfers, so it is not asked.
        if kind is None:
            raise RefusalError(404, "File not found.")
        return FileResponse(self._file(path), media_type=kind)

    async def _serve_output(self, request: Request) -> Response:
        path = self.output_path(PurePath(request.path_params["name"]).stem)
        if not path.is_file():
            raise RefusalError(404, "File not found.")
        return FileResponse(path, media_type="video/mp4")

    @property
    def _uploads(self) -> Path:
        return self.settings.data / "wavespeed" / "uploads"

    @property
    def _outputs(self) -> Path:
        return self.settings.data / "wavespeed" / "outputs"

    def _file(self, path: str) -> Path:
        return self._uploads / path.replace("/", "-")

    def _url(self, path: str) -> str:
        return f"{self.settings.url}/media/uploads/{path}"

    def _described(self, path: str, kind: str, size: int) -> dict[str, Any]:
        return {
            "type": kind.partition("/")[0],
            "download_url": self._url(path),
            "filename": PurePath(path).name,
            "size": size,
        }

    def _signature(self, path: str, **terms: object) -> str:
        signed = "\n".join([path, *(f"{name}={terms[name]}" for name in sorted(terms))])
        key = self.store.secret("upload")
        return hmac.new(key.encode(), signed.encode(), hashlib.sha256).hexdigest()


def _safe_name(filename: str) -> str:
    """The name without folders, in characters that need no quoting in a URL."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", PurePath(filename).name)[-100:].lstrip(".") or "file"


async def _chunks(file: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await file.read(1 << 20):
        yield chunk
