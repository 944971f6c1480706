"""Reserving against a key's cap is one call, and what accounts have paid so far is counted."""

from django.db import migrations

CREATE = """
CREATE FUNCTION billing_reserve_cap(the_key bigint, amount bigint, moment timestamptz)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    cap bigint;
    period text;
BEGIN
    -- Whoever sets a cap locks the key against this, and so sees all or nothing of this job.
    SELECT cap_micros, cap_period INTO cap, period
    FROM accounts_apikey WHERE id = the_key FOR KEY SHARE;
    IF cap IS NULL THEN
        RETURN TRUE;
    ELSIF amount > cap THEN
        RETURN FALSE;
    END IF;
    INSERT INTO billing_keyspend AS row (key_id, since, spent_micros)
    VALUES (the_key, date_trunc(period, moment, 'UTC'), amount)
    ON CONFLICT (key_id, since) DO UPDATE SET spent_micros = row.spent_micros + amount
        WHERE row.spent_micros + amount <= cap;
    RETURN FOUND;
END
$$;

UPDATE accounts_account AS customer SET paid_micros = paid.micros
FROM (
    SELECT book.account_id, sum(CASE WHEN book.id = transfer.credit_id THEN 1 ELSE -1 END
                                * transfer.amount_micros) AS micros
    FROM billing_transfer AS transfer
    JOIN billing_ledgeraccount AS book ON book.id IN (transfer.debit_id, transfer.credit_id)
    JOIN billing_ledgeraccount AS other ON other.id IN (transfer.debit_id, transfer.credit_id)
    WHERE book.account_id IS NOT NULL AND other.code IN ('stripe', 'disputes')
    GROUP BY book.account_id
) AS paid
WHERE paid.account_id = customer.id;
"""
DROP = "DROP FUNCTION billing_reserve_cap(bigint, bigint, timestamptz);"


class Migration(migrations.Migration):
    dependencies = [("billing", "0009_key_spend")]
    operations = [migrations.RunSQL(CREATE, DROP)]
