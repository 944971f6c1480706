"""Test credit has books of its own: PostgreSQL refuses a transfer between them and the real ones."""

from django.db import migrations, models

PART = """
CREATE FUNCTION billing_transfer_in_one_mode() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (
        SELECT count(DISTINCT coalesce(customer.mode = 'test', book.code LIKE 'test\\_%'))
        FROM billing_ledgeraccount AS book
        LEFT JOIN accounts_account AS customer ON customer.id = book.account_id
        WHERE book.id IN (NEW.debit_id, NEW.credit_id)
    ) > 1 THEN
        RAISE EXCEPTION 'live and test credit never mix: % %', NEW.kind, NEW.reference
            USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_in_one_mode';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER transfer_in_one_mode BEFORE INSERT ON billing_transfer
    FOR EACH ROW EXECUTE FUNCTION billing_transfer_in_one_mode();
"""
JOIN = """
DROP TRIGGER transfer_in_one_mode ON billing_transfer;
DROP FUNCTION billing_transfer_in_one_mode();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0006_twins'),
        ('billing', '0010_caps'),
    ]

    operations = [
        migrations.AlterField(
            model_name='ledgeraccount',
            name='code',
            field=models.CharField(choices=[('stripe', 'money at Stripe'), ('revenue', 'revenue'), ('promotions', 'promotions'), ('disputes', 'disputes'), ('receivables', 'receivables'), ('test_credit', 'test credit'), ('test_revenue', 'test revenue')], max_length=20, null=True, unique=True),
        ),
        migrations.AlterField(
            model_name='transfer',
            name='kind',
            field=models.CharField(choices=[('purchase', 'purchase'), ('promotion', 'promotion'), ('capture', 'video'), ('bonus', 'bonus'), ('bonus_back', 'bonus taken back'), ('refund', 'refund'), ('refund_failed', 'refund that failed'), ('dispute', 'dispute'), ('dispute_won', 'dispute won'), ('receivable', 'owed after a refund or dispute'), ('receivable_paid', 'owed sum paid'), ('expiry', 'promotion expired'), ('shortfall', 'video shorter than asked'), ('test_credit', 'test credit')], max_length=20),
        ),
        migrations.RunSQL(PART, JOIN),
    ]
