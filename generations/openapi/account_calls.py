"""The calls about what an account did, has and may do, described."""

from config.openapi import JSON, Body, Described, answering, ref
from generations import api_history, api_money
from generations.openapi import shapes
from generations.openapi.subjects import HISTORY, KEYS, MONEY

ACCOUNT_CALLS: dict[str, Described] = {
    "POST /api/v3/predictions": Described(
        id="listPredictions",
        subject=HISTORY,
        summary="List jobs",
        description="Newest first. Everything may be left out.",
        answer="One page.",
        **answering(
            shapes.closed(
                "A page of jobs.",
                {
                    "page": {"type": "integer", "minimum": 1},
                    "items": {"type": "array", "items": ref("schemas", "Prediction")},
                },
            ),
            {"page": 1, "items": [shapes.COMPLETED]},
        ),
        body=Body(
            {JSON: api_history.HistoryView.Input},
            {"finished": {"status": "completed", "page": 1, "page_size": 20}, "all": {}},
            required=False,
        ),
    ),
    "POST /api/v3/predictions/delete": Described(
        id="deletePredictions",
        subject=HISTORY,
        summary="Delete jobs and their films",
        description="Takes finished jobs away for good. Those that still run, are unknown or had "
        "gone before are passed over.",
        answer="How many went.",
        **answering(
            shapes.closed("How many went.", {"deleted_count": shapes.COUNT}), {"deleted_count": 1}
        ),
        body=Body({JSON: api_history.DeleteView.Input}, {"one": {"ids": [shapes.JOB]}}),
    ),
    "GET /api/v3/balance": Described(
        id="getBalance",
        subject=MONEY,
        summary="Ask for the balance",
        description="What can be spent now, in dollars: what is held for running jobs is not in "
        "it. Read it as a decimal number; every digit counts.",
        answer="The balance.",
        **answering(
            shapes.closed("What can be spent.", {"balance": shapes.SIGNED_DOLLARS}),
            {"balance": 24.055},
        ),
    ),
    "POST /api/v3/billings/search": Described(
        id="searchBills",
        subject=MONEY,
        summary="List what was charged",
        description="What was deducted for jobs and what came back, newest first. Everything may "
        "be left out.",
        answer="One page, and how many rows there are in all.",
        **answering(
            shapes.closed(
                "A page of bills.",
                {
                    "page": {"type": "integer", "minimum": 1},
                    "total": shapes.COUNT,
                    "items": {"type": "array", "items": ref("schemas", "Bill")},
                },
            ),
            {"page": 1, "total": 1, "items": [shapes.BILL_EXAMPLE]},
        ),
        body=Body(
            {JSON: api_money.BillingsView.Input},
            {"of_a_job": {"prediction_uuids": [shapes.JOB]}, "all": {}},
            required=False,
        ),
    ),
    "POST /api/v3/user/usage_stats": Described(
        id="getUsage",
        subject=MONEY,
        summary="Ask for sums",
        description="What the account asked for and paid, by model and by day, in at most "
        f"{api_money.USAGE_DAYS_MAX} days; the last {api_money.USAGE_DAYS} when nothing is said.",
        answer="The sums.",
        **answering(ref("schemas", "Usage"), shapes.USAGE_EXAMPLE),
        body=Body(
            {JSON: api_money.UsageView.Input},
            {"january": {"start_time": "2026-01-01", "end_time": "2026-01-31T23:59:59Z"}},
            required=False,
        ),
    ),
    "GET /api/v3/key": Described(
        id="getKey",
        subject=KEYS,
        summary="What this key is",
        description="Its scopes, when it ends, what is left of its cap, and your limits.",
        answer="The key that asked, without its secret.",
        **answering(ref("schemas", "Key"), shapes.ABOUT_KEY_EXAMPLE),
    ),
    "GET /api/v3/webhook/secret": Described(
        id="getWebhookSecret",
        subject=KEYS,
        summary="What signs for `?webhook=`",
        description="The secret by which your receiver knows our messages to addresses that single "
        "requests named. Endpoints of the account have a secret each, on their page.",
        answer="The secret.",
        **answering(
            shapes.closed(
                "A secret of Standard Webhooks.",
                {"secret": {"type": "string", "pattern": "^whsec_[A-Za-z0-9+/]+=*$"}},
            ),
            {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwqVp3Jx0yEhE="},
        ),
    ),
    "GET /api/schema": Described(
        id="getSchema",
        subject=KEYS,
        summary="This description",
        description="OpenAPI 3.1 as JSON, or as YAML with `Accept: application/yaml`.",
        answer="The document.",
        content={
            JSON: {"type": "object", "required": ["openapi", "paths"]},
            "application/yaml": {"type": "string"},
        },
        examples={},
    ),
}
