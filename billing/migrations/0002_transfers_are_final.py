"""Transfers are appended, never changed: PostgreSQL itself refuses UPDATE and DELETE."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION billing_transfer_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'transfers are final: book a correction instead of % on %', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'transfer_is_final';
END
$$;
CREATE TRIGGER transfer_is_final BEFORE UPDATE OR DELETE ON billing_transfer
    FOR EACH STATEMENT EXECUTE FUNCTION billing_transfer_is_final();
"""
ALLOW = """
DROP TRIGGER transfer_is_final ON billing_transfer;
DROP FUNCTION billing_transfer_is_final();
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]
    operations = [migrations.RunSQL(REFUSE, ALLOW)]
