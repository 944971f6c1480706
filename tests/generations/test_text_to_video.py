"""Films from words alone: one more entry of the catalogue, from the request to the film."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from generations import catalog, lifecycle, places, wavespeed
from generations.models import Generation, Submission, Upload
from tests.cast import Customer
from tests.generations import stage
from tests.generations.gateway import Gateway
from tests.generations.stage import Status, accepted, assert_charged, fresh
from tests.generations.stage import words_job as job

MODEL = catalog.TEXT_TO_VIDEO.id
PATH = f"/api/v3/{MODEL}"
NOW = timedelta()
LOOKS = 4

Drive = Callable[[], None]
AbsentLong = Callable[[Generation], None]


def sent(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the upstream took, which must be one submission."""
    [taken] = found
    inputs: dict[str, Any] = taken["input"]
    return inputs


# The whole way


def test_words_become_a_paid_film(alice: Customer, settle: Drive, sandbox: str) -> None:
    answer = alice.post(PATH, {"prompt": "A horse by the sea", "duration": 3})

    assert answer.status_code == 200, answer.content
    shown = answer.json()["data"]
    assert (shown["model"], shown["status"]) == (MODEL, "created")
    assert shown["input"] == {
        "prompt": "A horse by the sea",
        "aspect_ratio": "16:9",
        "resolution": "720p",
        "duration": 3,
        "seed": -1,
    }
    assert alice.available_micros == 24_580_000

    settle()

    film = Generation.objects.get()
    assert_charged(film)
    assert (film.width, film.height, film.frames) == (1280, 720, 72)
    assert (film.upload, film.upstream_image) == (None, "")
    assert film.memo == "HappyHorse 1.1 from words · 720p · 3 s"
    assert not Upload.objects.exists()
    done = alice.get(f"/api/v3/predictions/{film.id.hex}/result").json()["data"]
    assert (done["status"], len(done["outputs"])) == ("completed", 1)


def test_the_film_has_the_shape_that_was_asked_for(alice: Customer, settle: Drive) -> None:
    film = job(alice, "A tall horse", aspect_ratio="9:16")
    assert film.shape == (9, 16)

    settle()

    assert (fresh(film).width, fresh(film).height) == (720, 1280)


def test_the_upstream_gets_the_words_and_a_seed_of_our_choosing(
    alice: Customer, settle: Drive, sandbox: str
) -> None:
    films = [job(alice, "[fail] by chance", aspect_ratio="1:1") for _ in range(2)]

    settle()

    inputs = [sent(accepted(sandbox, film)) for film in films]
    seeds = [one.pop("seed") for one in inputs]
    expected = {"prompt": "[fail] by chance", "aspect_ratio": "1:1", "resolution": "720p"}
    assert inputs == [{**expected, "duration": 3}] * 2
    assert len(set(seeds)) == 2
    assert all(0 <= seed <= 2_147_483_647 for seed in seeds)
    assert [fresh(film).inputs["seed"] for film in films] == [-1, -1]


def test_the_customer_s_own_seed_is_kept(alice: Customer, settle: Drive, sandbox: str) -> None:
    film = job(alice, "[fail] my seed", seed=0)

    settle()

    assert sent(accepted(sandbox, film))["seed"] == 0


@pytest.mark.usefixtures("with_1080p")
def test_with_a_price_1080p_is_made_and_paid(alice: Customer, settle: Drive) -> None:
    answer = alice.post(PATH, {"prompt": "A fine horse", "resolution": "1080p", "duration": 3})

    assert answer.status_code == 200, answer.content
    assert alice.available_micros == 25_000_000 - 604_500
    settle()
    film = Generation.objects.get()
    assert_charged(film)
    assert (film.width, film.height) == (1920, 1080)


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({}, 'field "prompt" is required; please say what happens'),
        ({"prompt": ""}, 'field "prompt" is required'),
        ({"prompt": " \n"}, 'field "prompt" is required'),
        ({"prompt": None}, 'field "prompt" must be a string, got null'),
        ({"prompt": "x" * 2501}, 'field "prompt" must have at most 2500 characters'),
        ({"prompt": "x", "image": "https://p.test/a.jpg"}, 'field "image" is unknown'),
        ({"prompt": "x", "aspect_ratio": "2:1"}, 'must be one of ["16:9", "9:16", "1:1", "4:3"'),
        ({"prompt": "x", "resolution": "1080p"}, 'must be one of ["720p"], got string "1080p"'),
    ],
)
def test_what_cannot_be_made_is_refused_by_name_and_costs_nothing(
    alice: Customer, inputs: dict[str, Any], says: str
) -> None:
    answer = alice.post(PATH, inputs)

    assert answer.status_code == answer.json()["code"] == 400
    assert says in answer.json()["message"]
    assert not Generation.objects.exists()
    assert alice.available_micros == 25_000_000


# In doubt


def test_a_lost_answer_is_found_by_what_was_sent(
    alice: Customer, run_driver: Drive, settle: Drive, sandbox: str
) -> None:
    film = job(alice, "[lost] a horse of words")
    run_driver()
    assert fresh(film).status == Status.IN_DOUBT

    settle()

    assert_charged(film)
    [taken] = accepted(sandbox, film)
    assert fresh(film).upstream_id == taken["id"]


@pytest.mark.parametrize("seed", [-1, 7])
def test_jobs_of_the_same_words_never_share_one_film(
    seed: int, alice: Customer, door: Gateway, look: Drive, settle: Drive, sandbox: str
) -> None:
    prompt = f"[fail] {uuid4()}"
    door.submit = 504
    films = [job(alice, prompt, seed=seed) for _ in range(4)]
    look()
    assert {fresh(film).status for film in films} == {Status.IN_DOUBT}

    look()

    taken = {found["id"] for film in films for found in accepted(sandbox, film)}
    assert {fresh(film).upstream_id for film in films} == taken
    assert len(taken) == len(door.submitted) == 4


def test_what_another_job_has_is_not_taken_for_a_lost_one(
    alice: Customer,
    door: Gateway,
    look: Drive,
    absent_long: AbsentLong,
    sandbox: str,
) -> None:
    prompt = f"[slow] {uuid4()}"
    twin = job(alice, prompt, seed=7)
    look()
    assert fresh(twin).status == Status.PROCESSING
    door.submit, door.takes = 504, False
    swallowed = job(alice, prompt, seed=7)
    look()
    look()
    assert (fresh(swallowed).status, fresh(swallowed).upstream_id) == (Status.IN_DOUBT, None)
    absent_long(swallowed)
    door.submit, door.takes = None, True

    for _ in range(LOOKS):
        look()

    assert len(accepted(sandbox, swallowed)) == len(accepted(sandbox, twin)) == 1
    assert fresh(swallowed).upstream_id == accepted(sandbox, swallowed)[0]["id"]
    assert len(door.submitted) == 3
    assert swallowed.submissions.count() == 2


def test_the_second_submission_is_the_same_as_the_first(
    alice: Customer, door: Gateway, look: Drive, absent_long: AbsentLong
) -> None:
    door.submit, door.takes = 504, False
    film = job(alice, f"[fail] {uuid4()}")
    look()
    look()
    absent_long(film)
    door.submit, door.takes = None, True

    for _ in range(LOOKS):
        look()

    assert door.submitted[0] == door.submitted[1]
    assert fresh(film).status == Status.FAILED
    outcomes = film.submissions.order_by("id").values_list("outcome", flat=True)
    assert list(outcomes) == [Submission.Outcome.IN_DOUBT, Submission.Outcome.ACCEPTED]


def test_a_submission_that_a_twin_was_given_leaves_its_own_job_in_doubt(alice: Customer) -> None:
    twin, late = job(alice, "twins", seed=7), job(alice, "twins", seed=7)
    for one in places.claim(2, uuid4()):
        assert lifecycle.start_submit(one, "")
    lifecycle.doubt(twin, NOW, "504")
    # The history shows what the late one's submission made, before that is answered.
    assert lifecycle.accept(twin, "abc", NOW)

    assert not lifecycle.accept(late, "abc", NOW)

    assert (fresh(late).status, fresh(late).upstream_id) == (Status.SUBMITTING, None)
    assert fresh(twin).upstream_id == "abc"


def test_a_doubt_that_was_settled_at_its_last_moment_is_not_given_up(
    alice: Customer, door: Gateway, look: Drive, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    door.submit, door.takes = 504, False
    film = job(alice, f"[fail] {uuid4()}")
    look()
    stage.age(film, seconds=settings.PATIENCE_DOUBT_SECONDS + 1)

    # A hook comes while the history, which shows nothing, is read.
    async def find(*_: object, **__: object) -> dict[str, list[str]]:
        await Generation.objects.filter(pk=film.pk).aupdate(status="processing", upstream_id="abc")
        return {}

    monkeypatch.setattr(wavespeed.Client, "find", find)
    look()

    assert fresh(film).status == Status.PROCESSING


# What a submission is known by

INPUTS = {
    "prompt": "A horse  by\nthe sea",
    "aspect_ratio": "16:9",
    "resolution": "720p",
    "duration": 5,
    "seed": 7,
}
MARK = wavespeed.mark(MODEL, INPUTS)


@pytest.mark.parametrize(
    "shown",
    [
        {"duration": 5.0},
        {"seed": 7.0},
        {"prompt": " A horse by the sea "},
        {"enable_sync_mode": False},
        {"added_by_the_upstream": None},
    ],
)
def test_what_the_upstream_shows_a_little_otherwise_is_known_again(shown: dict[str, Any]) -> None:
    assert wavespeed.mark(MODEL, {**INPUTS, **shown}) == MARK


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 8},
        {"seed": None},
        {"duration": 6},
        {"prompt": "A horse by the sea!"},
        {"prompt": ["A horse"]},
        {"aspect_ratio": "1:1"},
        {"resolution": "1080p"},
    ],
)
def test_what_differs_is_another_s(other: dict[str, Any]) -> None:
    assert wavespeed.mark(MODEL, {**INPUTS, **other}) not in {MARK, ""}


@pytest.mark.parametrize("model", ["", "None", "no/such-model", catalog.IMAGE_TO_VIDEO.id])
def test_what_no_entry_describes_has_no_mark(model: str) -> None:
    assert wavespeed.mark(model, INPUTS) == ""


def test_a_picture_alone_is_a_mark() -> None:
    inputs = {"image": "https://x/a.jpg", "prompt": "", "seed": 1}

    assert wavespeed.mark(catalog.IMAGE_TO_VIDEO.id, inputs) == "https://x/a.jpg"


def test_our_seed_is_the_same_at_each_try() -> None:
    film = Generation(id=UUID(int=2**127 + 5), model=MODEL, inputs={**INPUTS, "seed": -1})

    assert film.sent_inputs == {**INPUTS, "seed": 5}
