"""A thousand customers with keys, credit, pictures and a past, written by a few statements."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection, models
from psycopg import sql

from accounts import keys
from accounts.models import Account, ApiKey, Membership, User
from billing import ledger
from billing.models import Hold, LedgerAccount, Transfer
from generations import catalog
from generations.models import Generation, Upload

CREDIT = 10**13
PRICE = 700_000
IMAGE = "https://pictures.example/horse.jpg"
PAST_JOBS = 100_000
# A new id from two random numbers: the audit wants hold and job to name each other.
JOB = "lpad(:a::text, 16, '0') || lpad(:b::text, 16, '0')"

# Each row of the past is a copy of one that the product wrote itself, for another customer.
_PAST = """
INSERT INTO generations_generation ({columns})
SELECT {copied}
FROM generations_generation AS example, generate_series(1, %(count)s) AS n,
     LATERAL (SELECT now() - n * interval '1 minute' AS moment) AS past,
     LATERAL (SELECT account_id FROM billing_ledgeraccount
              WHERE id = %(first)s + n %% %(accounts)s) AS book,
     LATERAL jsonb_populate_record(example, jsonb_build_object(
        'id', gen_random_uuid(), 'account_id', book.account_id, 'upstream_id', gen_random_uuid(),
        'status', 'failed', 'error', 'It did not work.', 'finished_at', moment,
        'submitted_at', moment, 'created_at', moment, 'due_at', moment, 'status_since', moment
     )) AS copy
WHERE example.id = %(job)s
"""
_PAST_HOLDS = """
INSERT INTO billing_hold (ledger_account_id, amount_micros, reference, memo, state, created_at,
                          settled_at)
SELECT book.id, job.price_micros, 'generation:' || replace(job.id::text, '-', ''), '', 'released',
       job.created_at, job.finished_at
FROM generations_generation AS job JOIN billing_ledgeraccount AS book USING (account_id)
WHERE job.status = 'failed'
"""


@dataclass(frozen=True)
class Member:
    """A customer: account, key, and the id of its row in the ledger."""

    account: Account
    key: ApiKey
    secret: str
    book: int


def gather(count: int) -> list[Member]:
    """Make so many customers with credit, their ledger rows in one unbroken run of ids."""
    user = User.objects.create_user("crowd@example.org")
    accounts = Account.objects.bulk_create(Account(name=f"bench {n}") for n in range(count))
    Membership.objects.bulk_create(
        Membership(account=one, user=user, role=Membership.Role.OWNER) for one in accounts
    )
    books = LedgerAccount.objects.bulk_create(LedgerAccount(account=one) for one in accounts)
    members = []
    for account, book in zip(accounts, books, strict=True):
        ledger.deposit(
            account,
            CREDIT,
            source=LedgerAccount.Code.PROMOTIONS,
            kind=Transfer.Kind.PROMOTION,
            reference=str(account.pk),
        )
        key, secret = keys.issue(account, user, "bench")
        members.append(Member(account, key, secret, book.pk))
    return members


def give_past(members: list[Member], job: Generation) -> None:
    """Write PAST_JOBS failed jobs like this one with their holds, and have PostgreSQL look."""
    figures: dict[str, Any] = {
        "count": PAST_JOBS,
        "accounts": len(members),
        "first": members[0].book,
        "job": job.pk,
    }
    with connection.cursor() as cursor:
        columns = [field.column for field in _written(job)]
        copied = [f"copy.{column}" for column in columns]
        cursor.execute(_PAST.format(columns=", ".join(columns), copied=", ".join(copied)), figures)
        cursor.execute(_PAST_HOLDS)
        cursor.execute("VACUUM ANALYZE")


def give_pictures(members: list[Member]) -> list[Upload]:
    """Give each customer an uploaded picture (its row; nothing reads the file)."""
    return Upload.objects.bulk_create(
        Upload(
            account=member.account,
            filename="horse.jpg",
            content_type="image/jpeg",
            size=1,
            file="uploads/x.jpg",
        )
        for member in members
    )


def plain_transaction(members: list[Member], job: Generation) -> str:
    """Return a pgbench script that writes the rows of a submission by its plain statements.

    One conditional UPDATE and three INSERTs: the hold, the job, the answer that is kept.
    """
    hold = Hold.objects.get(reference=job.hold_reference)
    book = f"{members[0].book} + :n"
    account = f"(SELECT account_id FROM billing_ledgeraccount WHERE id = {book})"  # noqa: S608
    held = _insert(
        hold,
        {"id": "DEFAULT", "ledger_account_id": book, "reference": f"'generation:' || {JOB}"},
    )
    made = _insert(job, {"id": f"({JOB})::uuid", "account_id": account, "upload_id": "NULL"})
    return f"""
\\set n random(0, {len(members) - 1})
\\set a random(0, 999999999999999)
\\set b random(0, 999999999999999)
BEGIN;
UPDATE billing_ledgeraccount SET held_micros = held_micros + {PRICE}
    WHERE id = {book} AND NOT frozen AND balance_micros >= held_micros + {PRICE};
{held};
{made};
INSERT INTO generations_keptanswer (account_id, name, request, answer, created_at)
    VALUES ({account}, gen_random_uuid(), '{"0" * 64}', '{{"id": "{job.pk.hex}"}}', now());
COMMIT;
"""  # noqa: S608  our own figures


def _insert(row: models.Model, other: Mapping[str, str]) -> str:
    """Return the statement that writes a row like this one, with other expressions in places."""
    columns, values = [], []
    for field in _written(row):
        columns.append(str(field.column))
        values.append(other.get(str(field.column)) or _literal(field, row))
    table = row._meta.db_table  # noqa: SLF001  documented
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(values)})"  # noqa: S608


def _written(row: models.Model) -> list[Any]:
    """Return the fields that are not PostgreSQL's own to work out."""
    fields = row._meta.concrete_fields  # noqa: SLF001  documented
    return [field for field in fields if not field.generated]


def _literal(field: Any, row: models.Model) -> str:
    if isinstance(field, models.DateTimeField) and not field.null:
        return "now()"
    value = field.get_db_prep_save(getattr(row, field.attname), connection)
    with connection.cursor() as cursor:
        return sql.Literal(value).as_string(cursor.cursor)


def submit_body() -> dict[str, Any]:
    """Return a body of five seconds whose picture is somebody else's address."""
    body = {"image": IMAGE, "prompt": "The horse gallops through shallow water at sunset"}
    catalog.IMAGE_TO_VIDEO.clean(body)
    return body
