"""Whatever JSON comes in, the inputs are either whole and in range, or refused in words."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.wavespeed import catalog
from sandbox.wavespeed.answers import RefusalError, date_long, date_short, moment_of
from sandbox.wavespeed.schema import resolve
from tests.sandbox.wavespeed_stage import MODEL, PICTURE_URL

# A short alphabet: reading all of Unicode takes longer than the tests.
TEXTS = st.text('a7 é狐"[]\n', max_size=20)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
) | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
INPUTS = st.dictionaries(
    st.sampled_from(["image", "prompt", "resolution", "duration", "seed", "colour"]), VALUES
)


@given(INPUTS)
def test_inputs_are_in_range_or_refused_with_400(inputs: dict[str, Any]) -> None:
    model = catalog.find(MODEL)
    with contextlib.suppress(RefusalError):
        resolved = model.resolved({"image": PICTURE_URL, "prompt": ""} | inputs)
        assert 3 <= resolved["duration"] <= 15
        assert -1 <= resolved["seed"] <= 2_147_483_647
        assert model.price_micros(resolved) >= 420_000
        return
    with pytest.raises(RefusalError) as caught:
        model.resolved({"image": PICTURE_URL, "prompt": ""} | inputs)
    assert caught.value.status == 400
    assert caught.value.message.startswith('field "')


@given(st.integers(3, 15), st.sampled_from(["720p", "1080p"]))
def test_good_inputs_come_out_as_they_went_in(duration: int, resolution: str) -> None:
    given_inputs = {
        "image": PICTURE_URL,
        "prompt": "a fox",
        "duration": duration,
        "resolution": resolution,
        "seed": 0,
    }
    resolved = catalog.find(MODEL).resolved(given_inputs)
    assert resolved.pop("enable_sync_mode") is False
    assert resolved == given_inputs


@given(SCALARS)
def test_a_refusal_quotes_what_it_was_given_as_json(value: object) -> None:
    rule = {"kind": {"type": "string", "enum": ["only this"]}}
    if value in (None, "only this"):
        return
    with pytest.raises(RefusalError) as caught:
        resolve({"kind": value}, rule)
    assert json.dumps(value)[:200] in caught.value.message


@given(st.floats(0, 4_000_000_000))
def test_a_date_reads_back_as_the_moment_it_was_made_of(moment: float) -> None:
    assert abs(moment_of(date_long(moment), "date") - moment) < 0.000_01
    assert abs(moment_of(date_short(moment), "date") - moment) < 0.001_01


def test_dates_have_the_documented_digits() -> None:
    assert date_short(1_767_225_600.0059) == "2026-01-01T00:00:00.005Z"
    assert date_long(1_767_225_600.5) == "2026-01-01T00:00:00.500000000Z"
