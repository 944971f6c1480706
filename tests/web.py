"""A small web server of somebody else, as addresses of customers lead to."""

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

HANG_SECONDS_MAX = 30


@dataclass
class Page:
    """What one path answers. A page that `hangs` answers nothing until the test is over."""

    status: int = 200
    content: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    hangs: bool = False
    announced: int | None = None


@dataclass
class Web:
    """Pages by path, and what was asked for: paths, headers and bodies, in order."""

    host: str = ""
    pages: dict[str, Page] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    writing: threading.Lock = field(default_factory=threading.Lock)

    def put(self, path: str, page: Page) -> str:
        """Serve the page and return its address."""
        self.pages[path] = page
        return self.url(path)

    def url(self, path: str) -> str:
        """Return the address of a path."""
        return f"http://{self.host}{path}"

    def redirect(self, path: str, target: str) -> str:
        """Send visitors of a path elsewhere and return its address."""
        return self.put(path, Page(status=302, headers={"Location": target}))

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer a request."""
        if self._meant_another(handler):
            handler.send_error(404)
            return
        # The three lists go together, though visitors come at the same moment.
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        with self.writing:
            self.asked.append(handler.path)
            self.headers.append(dict(handler.headers.items()))
            self.bodies.append(body)
        page = self.pages.get(handler.path, Page(status=404))
        if page.hangs:
            self.closing.wait(HANG_SECONDS_MAX)
            return
        handler.send_response(page.status)
        length = len(page.content) if page.announced is None else page.announced
        for name, value in {"Content-Length": str(length), **page.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(page.content)

    def _meant_another(self, handler: BaseHTTPRequestHandler) -> bool:
        """Tell whether somebody looks for a server of another test that had our port before.

        Who looks for a name of the tests' own internet does not write this machine's address.
        """
        asked_for = handler.headers.get("Host", "")
        return self.host.endswith(".test") and asked_for.startswith("127.0.0.1:")
