"""The short form of `make schemathesis`: all phases and checks with few cases of each."""

from collections.abc import Callable

import pytest

from tests.contract.run import stage

SEED = 20_261_122
CASES_MIN = 300
# All calls with a few requests; then every corner of those that take the most.
SHORT = (
    ("--phases", "examples,fuzzing,stateful", "--max-examples", "6"),
    ("--phases", "coverage", "--include-operation-id", "submitTextToVideo"),
    ("--phases", "coverage", "--include-operation-id", "listPredictions"),
)


@pytest.mark.xdist_group("contract")
def test_the_api_keeps_its_description(
    record_property: Callable[[str, object], None],
) -> None:
    with stage() as site:
        outcomes = [site.run(SEED, *choices, waiting=0) for choices in SHORT]
        books = site.house.audit()
    for found in outcomes:
        record_property("figure", f"Schemathesis, seed {SEED}: {found.summary()}")
        assert found.exit_code == 0, found.said
        assert found.broken == 0
    assert sum(found.cases for found in outcomes) > CASES_MIN
    # Who is tried so hard must have been let in, too.
    let_in = {call for call, status in outcomes[0].statuses if status == 200}
    assert len(let_in) > 15
    assert books["ok"]
