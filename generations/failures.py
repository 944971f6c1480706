"""Why a job can fail, in words for the customer and WaveSpeed's numbers for programs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """`code` is WaveSpeed's data.code; the sentence says what happened and what to do."""

    code: int
    sentence: str


MODERATED = Failure(
    1200, "The model's safety check refused this picture or prompt. Change them and try again."
)
INPUT_REFUSED = Failure(1401, "The model did not accept these settings. Change them and try again.")
MODEL_FAILED = Failure(1403, "The model could not make this video. Try again, or another picture.")
NO_VIDEO = Failure(1403, "The model said it was done but delivered no video. Try again.")
NOT_A_VIDEO = Failure(1403, "What the model delivered is not a video. Try again.")
NOT_FETCHED = Failure(1405, "The finished video could not be fetched from the model. Try again.")
TOO_LATE = Failure(1406, "The model did not finish in time. Try again.")
NO_PLACE = Failure(1406, "No place became free for this job in time. Try again later.")
LOST = Failure(5000, "We could not hand this job over for certain, so we stopped it. Try again.")


def picture(reason: str) -> Failure:
    """Return the failure of a first frame that could not be fetched or used."""
    return Failure(1402, reason)


def upstream(code: int, status: str) -> Failure:
    """Translate how the upstream ended a job: its data.code, and its terminal status."""
    if status == "timeout" or code == TOO_LATE.code:
        return TOO_LATE
    if code == MODERATED.code:
        return MODERATED
    if code in {1400, 1401}:
        return INPUT_REFUSED
    if code == 1402:
        return picture("The model could not read the picture. Save it again and retry.")
    return MODEL_FAILED
