"""What an account notes on its films, and the indexes by which it finds them again."""

from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce, Greatest

TITLE_LENGTH_MAX = 120

# What a gallery shows. Jobs on their way are in none of its indexes, so they cost them nothing.
ENDED = Q(status__in=["completed", "failed"])
SHOWN = Q(hidden_at=None, deleted_at=None)
UNFINISHED = Q(status__in=["created", "submitting", "in_doubt", "processing"])


# What a film is found by: the words of its title and prompt, and its account's own name. With the
# account among the words, no entry of their index leads to films of others. The column is written
# by PostgreSQL and is none of the model's, so that nobody reads it with every job: see 0008_marks.
WORDS = Func(template='"generations_generation"."words"', output_field=SearchVectorField())


class Marked(models.Model):
    """The part of a job that is its account's to change, written by generations.marking alone.

    What is hidden can be brought back for a while: see generations.disposal. An empty
    `share_word` is a film that has no link.
    """

    title = models.CharField(max_length=TITLE_LENGTH_MAX, blank=True, default="", db_default="")
    favourite = models.BooleanField(default=False, db_default=False)
    share_word = models.CharField(max_length=43, blank=True, default="", db_default="")
    hidden_at = models.DateTimeField(null=True)
    # Its last frame, once somebody wanted to go on from it.
    last_frame = models.ForeignKey(
        "generations.Upload", on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    resolution = models.GeneratedField(
        expression=KT("inputs__resolution"),
        output_field=models.CharField(max_length=16, null=True),
        db_persist=True,
    )
    # As charged once there is a film, as asked before: see Generation.whole_seconds.
    length = models.GeneratedField(
        expression=Greatest(
            1,
            Coalesce(
                (F("duration_ms") + 499) / 1000,
                Cast(KT("inputs__duration"), models.IntegerField()),
            ),
        ),
        output_field=models.IntegerField(null=True),
        db_persist=True,
    )

    class Meta:
        abstract = True


CONSTRAINTS = [
    models.UniqueConstraint(
        fields=["share_word"], condition=~Q(share_word=""), name="generation_share_word_once"
    ),
    models.CheckConstraint(
        condition=Q(hidden_at=None) | ENDED, name="generation_hidden_is_finished"
    ),
]

# Each serves one filter in every order; see generations.gallery.
INDEXES = [
    models.Index(
        fields=["account", "status", "created_at", "id"],
        condition=SHOWN & ENDED,
        name="generation_shown",
    ),
    models.Index(
        fields=["account", "status", "length", "created_at", "id"],
        condition=SHOWN & ENDED,
        name="generation_by_length",
    ),
    models.Index(
        fields=["account", "status", "resolution", "created_at", "id"],
        condition=SHOWN & ENDED,
        name="generation_by_resolution",
    ),
    models.Index(
        fields=["account", "status", "api_key", "created_at", "id"],
        condition=SHOWN & ENDED,
        name="generation_by_key",
    ),
    models.Index(
        fields=["account", "status", "user", "created_at", "id"],
        condition=SHOWN & ENDED,
        name="generation_by_member",
    ),
    models.Index(
        fields=["account", "status", "created_at", "id"],
        condition=SHOWN & ENDED & Q(favourite=True),
        name="generation_favourites",
    ),
    models.Index(
        fields=["account", "created_at", "id"], condition=UNFINISHED, name="generation_making"
    ),
    models.Index(
        fields=["hidden_at"],
        condition=Q(hidden_at__isnull=False, deleted_at=None),
        name="generation_hidden",
    ),
    models.Index(
        fields=["account", "hidden_at", "id"],
        condition=Q(hidden_at__isnull=False, deleted_at=None),
        name="generation_hidden_of",
    ),
]
