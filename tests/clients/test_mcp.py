"""WaveSpeed's MCP server works against us with nothing changed but its base URL."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from tests.clients import tools
from tests.clients.program import MODEL, PRICE_SHORT, SHORT, Customer, assert_film
from tests.house import wait_for

pytestmark = pytest.mark.xdist_group("clients")


@pytest.fixture
def server(dora: Customer, home: Path) -> Iterator[tools.Server]:
    """The server on the machine of a customer with credit."""
    with tools.running(dora, home) as server:
        yield server


def test_it_offers_its_tools(server: tools.Server) -> None:
    offered = {tool["name"] for tool in server.ask("tools/list")["tools"]}

    assert offered == {
        "get_balance",
        "get_model_schema",
        "get_prediction",
        "get_price",
        "list_models",
        "run_model",
        "upload_file",
    }


def test_it_tells_what_is_on_sale(server: tools.Server) -> None:
    found = server.use("list_models", type="image-to-video")
    schema = server.use("get_model_schema", model=MODEL)

    assert found["total_matches"] == 1
    assert (found["models"][0]["model_id"], found["models"][0]["base_price"]) == (MODEL, 0.7)
    assert schema["required"] == ["image"]
    assert schema["property_order"] == ["image", "prompt", "resolution", "duration", "seed"]
    assert schema["properties"]["duration"]["maximum"] == 15


def test_it_tells_exact_prices_and_that_nothing_was_unknown(server: tools.Server) -> None:
    quote = server.use("get_price", model=MODEL, input={"resolution": "1080p", "duration": 3})
    default = server.use("get_price", model=MODEL)

    assert (quote["price"], quote["currency"], quote["at_base_price"]) == (0.567, "USD", False)
    assert (default["price"], default["at_base_price"]) == (0.7, True)
    assert quote["unpriced_inputs"] == default["unpriced_inputs"] == []


def test_it_runs_the_model_with_a_picture_of_the_machine(
    server: tools.Server, dora: Customer, picture: Path
) -> None:
    before = dora.balance

    done = server.use("run_model", model=MODEL, input={"image": f"@{picture}", **SHORT})

    assert (done["status"], done["uploaded_files"]) == ("completed", 1)
    assert_film(done["outputs"][0])
    balance = Decimal(str(server.use("get_balance")["balance"]))
    assert balance == dora.balance == before - PRICE_SHORT


def test_an_upload_has_an_address(server: tools.Server, picture: Path) -> None:
    uploaded = server.use("upload_file", path=str(picture))

    assert httpx.get(uploaded["url"]).content == picture.read_bytes()


def test_a_job_that_nobody_waits_for_is_found_again(server: tools.Server, image: str) -> None:
    submitted = server.use(
        "run_model", model=MODEL, input={"image": image, **SHORT}, wait_seconds=0
    )

    def look() -> dict[str, object] | None:
        found: dict[str, object] = server.use("get_prediction", id=submitted["id"])
        return found if found["status"] == "completed" else None

    done = wait_for(look)
    assert submitted["status"] == "created"
    assert (done["model"], done["error"]) == (MODEL, "")


def test_it_says_why_a_job_failed(server: tools.Server, dora: Customer, image: str) -> None:
    before = dora.balance

    with pytest.raises(tools.Refused, match=r"Prediction failed: The model could not make this"):
        server.use("run_model", model=MODEL, input={"image": image, "prompt": "[fail]", **SHORT})

    assert dora.balance == before


@pytest.mark.parametrize(
    ("tool", "asked", "says"),
    [
        ("run_model", {"model": MODEL, "input": {"duration": 3}}, 'field "image" is required'),
        ("run_model", {"model": "no/such-model", "input": {}}, 'Model "no/such-model" not found'),
        ("get_price", {"model": MODEL, "input": {"duration": 99}}, "integer from 3 to 15"),
        ("get_prediction", {"id": "0" * 32}, "Prediction not found"),
    ],
)
def test_our_sentence_is_what_a_refused_model_reads(
    tool: str, asked: dict[str, object], says: str, server: tools.Server
) -> None:
    with pytest.raises(tools.Refused, match=says):
        server.use(tool, **asked)


def test_an_account_without_credit_is_told_what_is_missing(
    emil: Customer, home: Path, image: str
) -> None:
    with (
        tools.running(emil, home) as server,
        pytest.raises(tools.Refused, match=r"/billing\. You were not charged"),
    ):
        server.use("run_model", model=MODEL, input={"image": image, **SHORT})


def test_a_wrong_key_is_told(stranger: Customer, home: Path) -> None:
    with (
        tools.running(stranger, home) as server,
        pytest.raises(tools.Refused, match="Invalid API key"),
    ):
        server.use("get_balance")
