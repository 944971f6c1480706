"""Why a job can fail, in words for the customer and WaveSpeed's numbers for programs.

A job keeps its sentence in English, as programs read it; `said` tells it to a reader.
"""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from config import outbound
from config.stored_words import StoredWords
from generations import images
from generations.models import Generation


@dataclass(frozen=True)
class Failure:
    """`code` is WaveSpeed's data.code; the sentence says what happened and what to do."""

    code: int
    sentence: str


# What the upstream says when our operator's account with it is empty.
UPSTREAM_MONEY_GONE = 1407

MODERATED = Failure(
    1200,
    gettext_noop(
        "The model's safety check refused this picture or prompt. Change them and try again."
    ),
)
INPUT_REFUSED = Failure(
    1401, gettext_noop("The model did not accept these settings. Change them and try again.")
)
MODEL_FAILED = Failure(
    1403, gettext_noop("The model could not make this video. Try again, or ask for it differently.")
)
NO_VIDEO = Failure(
    1403, gettext_noop("The model said it was done but delivered no video. Try again.")
)
NOT_A_VIDEO = Failure(1403, gettext_noop("What the model delivered is not a video. Try again."))
NOT_FETCHED = Failure(
    1405, gettext_noop("The finished video could not be downloaded from the model. Try again.")
)
TOO_LATE = Failure(1406, gettext_noop("The model did not finish in time. Try again."))
NO_PLACE = Failure(
    1406, gettext_noop("No place became free for this job in time. Try again later.")
)
CANCELLED = Failure(1403, gettext_noop("Cancelled by you before the model began."))
OURS = Failure(
    5000, gettext_noop("We had trouble on our side and could not make this video. Try again later.")
)
LOST = Failure(
    5000, gettext_noop("We could not hand this job over for certain, so we stopped it. Try again.")
)

UPSTREAM_PICTURE = gettext_noop("The model could not read the picture. Save it again and retry.")
PICTURE_GONE = gettext_noop("Your picture is gone. Upload it again.")
# Before what generations.images or config.outbound have to say of it.
PICTURE_NOT_READ = gettext_noop("Your picture could not be downloaded.")

_SAID = StoredWords(
    (
        *(MODERATED.sentence, INPUT_REFUSED.sentence, MODEL_FAILED.sentence, NO_VIDEO.sentence),
        *(NOT_A_VIDEO.sentence, NOT_FETCHED.sentence, TOO_LATE.sentence, NO_PLACE.sentence),
        *(CANCELLED.sentence, OURS.sentence, LOST.sentence),
        *(UPSTREAM_PICTURE, PICTURE_GONE, PICTURE_NOT_READ),
        *(*images.SENTENCES, *outbound.SENTENCES),
    )
)


def said(sentence: str) -> str:
    """Return the sentence that a job keeps of its failure, in the reader's language."""
    return _SAID.again(sentence)


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
        return picture(UPSTREAM_PICTURE)
    return MODEL_FAILED


def too_late_to_cancel(generation: Generation) -> str:
    """Return why a job cannot be cancelled any more, in a sentence for its customer."""
    match generation.status:
        case Generation.Status.COMPLETED:
            return _("This film is ready, so there is nothing to cancel.")
        case Generation.Status.FAILED:
            return _("This job has ended already. %(reason)s") % {"reason": said(generation.error)}
    return _(
        "The model has this job or is about to, so it can no longer be cancelled. You pay only if "
        "the film is ready."
    )


def came_out_shorter(seconds: int) -> str:
    """Return the words for a video that lacks so many of the seconds that were asked for."""
    return f"came out {seconds} s shorter"
