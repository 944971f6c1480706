"""The threat model names tests: each of them must exist."""

import ast
import re
from functools import cache

import pytest

from config.settings import BASE_DIR

TEXT = (BASE_DIR / "docs" / "threat-model.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", TEXT)))


@cache
def tests_in(path: str) -> set[str]:
    tree = ast.parse((BASE_DIR / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("path", "test"), NAMED)
def test_what_the_threat_model_names_is_there(path: str, test: str) -> None:
    assert (BASE_DIR / path).is_file()
    assert not test or test in tests_in(path)


def test_every_item_of_the_top_ten_names_a_test() -> None:
    rows = [line for line in TEXT.splitlines() if re.match(r"\| API\d+ ", line)]
    assert len(rows) == 10
    assert all("::test_" in row for row in rows)
