"""An upstream of which a test sees nothing but its history."""

import json
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import httpx

from generations.models import Generation


class Upstream:
    """Shows its jobs by pages, newest first; `broken` pages answer 503."""

    def __init__(self) -> None:
        self.jobs: list[dict[str, Any]] = []
        self.broken: set[int] = set()
        self.asked: list[dict[str, Any]] = []
        self.transport = httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        assert request.url.path.endswith("/predictions"), "no single result is asked for"
        body = json.loads(request.content)
        self.asked.append(body)
        if body["page"] in self.broken:
            return httpx.Response(503)
        start = (body["page"] - 1) * body["page_size"]
        items = self.jobs[start : start + body["page_size"]]
        return httpx.Response(200, json={"data": {"items": items}})

    @property
    def pages(self) -> list[int]:
        """Which pages were asked for."""
        return sorted(body["page"] for body in self.asked)

    def foreign(self, count: int) -> None:
        """Show jobs that are nobody's."""
        self.jobs += [{"id": f"foreign {uuid4()}", "status": "completed"} for _ in range(count)]

    def show(self, jobs: Iterable[Generation], status: str = "processing", **fields: Any) -> None:
        """Show these jobs after all others."""
        self.jobs += [{"id": job.upstream_id, "status": status, **fields} for job in jobs]
