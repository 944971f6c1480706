"""What axe finds on a page: WCAG 2.2, levels A and AA."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from playwright.sync_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
CALL = """options => axe.run(document, options).then(found => found.violations.map(one => ({
    rule: one.id, nodes: one.nodes.map(node => node.target.join(" ") + ": " + node.any.concat(
        node.all, node.none).map(check => check.message).slice(0, 1))})))"""
# The order of headings is good manners, and the empty target size has no word for the eye.
EVERYTHING = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
COLORS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}, "resultTypes": ["violations"]}


def violations(page: Page, options: dict[str, Any] = EVERYTHING) -> list[str]:
    """Return each violation as one line: the rule, the elements and what is wrong with them."""
    if not page.evaluate("typeof axe === 'object'"):
        # Spoken by the debugger, so the page's own policy need not allow it.
        page.evaluate(_source())
    found = page.evaluate(CALL, options)
    return [f"{one['rule']}: {json.dumps(one['nodes'])}" for one in found]


@cache
def _source() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
