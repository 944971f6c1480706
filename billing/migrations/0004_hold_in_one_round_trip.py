"""Holding credit is one call to PostgreSQL: the check, the sum and the row, together or not."""

from django.db import migrations

CREATE = """
CREATE FUNCTION billing_hold_credit(
    customer uuid, amount bigint, hold_reference text, hold_memo text,
    OUT outcome text, OUT available bigint
) LANGUAGE plpgsql AS $$
DECLARE
    book billing_ledgeraccount;
BEGIN
    UPDATE billing_ledgeraccount SET held_micros = held_micros + amount
    WHERE account_id = customer AND NOT frozen AND balance_micros >= held_micros + amount
    RETURNING * INTO book;
    IF FOUND THEN
        INSERT INTO billing_hold
            (ledger_account_id, amount_micros, reference, memo, state, created_at)
        VALUES (book.id, amount, hold_reference, hold_memo, 'held', now());
        outcome := 'held';
    ELSE
        SELECT * INTO book FROM billing_ledgeraccount WHERE account_id = customer;
        outcome := CASE WHEN book.frozen THEN 'frozen' ELSE 'short' END;
    END IF;
    available := coalesce(book.balance_micros - book.held_micros, 0);
END
$$;
"""
DROP = "DROP FUNCTION billing_hold_credit(uuid, bigint, text, text);"


class Migration(migrations.Migration):
    dependencies = [("billing", "0003_money_back_and_top_ups")]
    operations = [migrations.RunSQL(CREATE, DROP)]
