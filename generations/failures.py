"""Why a job can fail, in words for the customer and WaveSpeed's numbers for programs."""

from dataclasses import dataclass

from generations.models import Generation


@dataclass(frozen=True)
class Failure:
    """`code` is WaveSpeed's data.code; the sentence says what happened and what to do."""

    code: int
    sentence: str


# What the upstream says when our operator's account with it is empty.
UPSTREAM_MONEY_GONE = 1407

MODERATED = Failure(
    1200, "The model's safety check refused this picture or prompt. Change them and try again."
)
INPUT_REFUSED = Failure(1401, "The model did not accept these settings. Change them and try again.")
MODEL_FAILED = Failure(
    1403, "The model could not make this video. Try again, or ask for it differently."
)
NO_VIDEO = Failure(1403, "The model said it was done but delivered no video. Try again.")
NOT_A_VIDEO = Failure(1403, "What the model delivered is not a video. Try again.")
NOT_FETCHED = Failure(1405, "The finished video could not be downloaded from the model. Try again.")
TOO_LATE = Failure(1406, "The model did not finish in time. Try again.")
NO_PLACE = Failure(1406, "No place became free for this job in time. Try again later.")
CANCELLED = Failure(1403, "Cancelled by you before the model began.")
OURS = Failure(5000, "We had trouble on our side and could not make this video. Try again later.")
LOST = Failure(5000, "We could not hand this job over for certain, so we stopped it. Try again.")


def picture(reason: str) -> Failure:
    """Return the failure of a first frame that could not be fetched or used."""
    return Failure(1402, reason)


def upstream(code: int, status: str) -> Failure:
    """Translate how the upstream ended a job: its data.code, and its terminal status."""
    if code == UPSTREAM_MONEY_GONE:
        return OURS
    if status == "timeout" or code == TOO_LATE.code:
        return TOO_LATE
    if code == MODERATED.code:
        return MODERATED
    if code in {1400, 1401}:
        return INPUT_REFUSED
    if code == 1402:
        return picture("The model could not read the picture. Save it again and retry.")
    return MODEL_FAILED


def too_late_to_cancel(generation: Generation) -> str:
    """Return why a job cannot be cancelled any more, in a sentence for its customer."""
    match generation.status:
        case Generation.Status.COMPLETED:
            return "This film is ready, so there is nothing to cancel."
        case Generation.Status.FAILED:
            return f"This job has ended already. {generation.error}"
    return (
        "The model has this job or is about to, so it can no longer be cancelled. You pay only if "
        "the film is ready."
    )


def came_out_shorter(seconds: int) -> str:
    """Return the words for a video that lacks so many of the seconds that were asked for."""
    return f"came out {seconds} s shorter"
