"""A name that cannot be one is told in a sentence that every column takes."""

import pytest
from asgiref.sync import async_to_sync

from config.outbound import FetchFailed, judged_address
from generations.models import Generation

LABEL = "a" * 63


def test_a_name_longer_than_any_is_told_in_short() -> None:
    with pytest.raises(FetchFailed, match="was not found") as failed:
        async_to_sync(judged_address)(".".join([LABEL] * 30), 443)
    longest = Generation._meta.get_field("error").max_length or 0
    assert len(f"Your picture could not be downloaded. {failed.value}") < longest
    assert "aaa…" in str(failed.value)
