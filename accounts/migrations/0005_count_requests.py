"""Requests are counted by one call, inside the query that looks the key up.

A clock that is behind counts into the minute that another has begun already. The table writes no
log of its own and keeps room on its pages, so that a count is changed in place.
"""

from django.db import migrations

CREATE = """
ALTER TABLE accounts_requestcount SET UNLOGGED;
ALTER TABLE accounts_requestcount SET (fillfactor = 30);
CREATE FUNCTION accounts_count_request(the_key bigint, the_account uuid, the_minute bigint)
RETURNS integer[] LANGUAGE plpgsql AS $$
DECLARE
    mine accounts_requestcount;
    of_account bigint;
BEGIN
    INSERT INTO accounts_requestcount AS row (key_id, account_id, minute, requests)
    VALUES (the_key, the_account, the_minute, 1)
    ON CONFLICT (key_id) DO UPDATE SET
        requests = CASE WHEN row.minute >= the_minute THEN row.requests + 1 ELSE 1 END,
        minute = greatest(row.minute, the_minute)
    RETURNING * INTO mine;
    SELECT sum(requests) INTO of_account FROM accounts_requestcount
    WHERE account_id = the_account AND minute >= the_minute;
    RETURN ARRAY[mine.requests, of_account];
END
$$;
"""
DROP = """
DROP FUNCTION accounts_count_request(bigint, uuid, bigint);
ALTER TABLE accounts_requestcount SET LOGGED;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_keys")]
    operations = [migrations.RunSQL(CREATE, DROP)]
