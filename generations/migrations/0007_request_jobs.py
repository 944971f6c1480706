"""A job is requested by one call to PostgreSQL: hold, cap, job and kept answer, or none of them.

The locks are the ledger's: the account's row first, then the key's. Under the first one nothing
that is asked here can change any more, so each refusal comes before anything is written.
"""

from django.db import migrations

CREATE = """
CREATE FUNCTION generations_request_job(
    customer uuid, job jsonb,
    OUT outcome text, OUT available bigint, OUT kept_answer jsonb, OUT top_up boolean
) LANGUAGE plpgsql AS $$
DECLARE
    price bigint := job->>'price_micros';
    the_key bigint := job->>'api_key';
    moment timestamptz := job->>'created_at';
    is_frozen boolean;
    kept_request text;
BEGIN
    SELECT frozen, balance_micros - held_micros INTO is_frozen, available
    FROM billing_ledgeraccount WHERE account_id = customer FOR NO KEY UPDATE;
    IF job ? 'name' THEN
        SELECT request, answer INTO kept_request, kept_answer FROM generations_keptanswer
        WHERE account_id = customer AND name = job->>'name'
          AND created_at > moment - interval '24 hours';
        IF FOUND THEN
            outcome := CASE WHEN kept_request = job->>'request' THEN 'repeated' ELSE 'taken' END;
            RETURN;
        END IF;
    END IF;
    outcome := CASE
        WHEN is_frozen THEN 'frozen'
        WHEN available IS NULL OR available < price THEN 'short'
        WHEN the_key IS NOT NULL AND NOT billing_reserve_cap(the_key, price, moment) THEN 'capped'
    END;
    IF outcome IS NOT NULL THEN
        available := coalesce(available, 0);
        RETURN;
    END IF;
    SELECT held.outcome, held.available INTO outcome, available
    FROM billing_hold_credit(customer, price, job->>'reference', job->>'memo') AS held;
    INSERT INTO generations_generation (
        id, account_id, user_id, api_key_id, test, model, inputs, price_micros, upload_id, webhook,
        status, status_since, due_at, created_at, attempts, shortfall_micros, error_code, error,
        operator_note, upstream_image, video, poster, strip, preview, sha256
    ) VALUES (
        (job->>'id')::uuid, customer, (job->>'user')::bigint, the_key, (job->>'test')::boolean,
        job->>'model', job->'inputs', price, (job->>'upload')::uuid, job->>'webhook',
        'created', moment, moment, moment, 0, 0, 0, '',
        '', '', '', '', '', '', ''
    );
    IF job ? 'name' THEN
        INSERT INTO generations_keptanswer (account_id, name, request, answer, created_at)
        VALUES (customer, job->>'name', job->>'request', job->'answer', moment)
        ON CONFLICT (account_id, name) DO UPDATE SET
            request = EXCLUDED.request, answer = EXCLUDED.answer, created_at = EXCLUDED.created_at;
    END IF;
    top_up := EXISTS (
        SELECT FROM billing_autotopup
        WHERE account_id = customer AND state = 'on' AND threshold_micros > available
    );
END
$$;
"""
DROP = "DROP FUNCTION generations_request_job(uuid, jsonb);"


class Migration(migrations.Migration):
    dependencies = [
        ("generations", "0006_test_jobs"),
        ("billing", "0011_test_books"),
    ]
    operations = [migrations.RunSQL(CREATE, DROP)]
