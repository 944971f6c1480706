"""A kept connection is looked at before it is used again, without a round trip of its own."""

import select

from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus


class DatabaseWrapper(base.DatabaseWrapper):
    """As django.db.backends.postgresql."""

    def is_usable(self) -> bool:
        """Tell whether the connection is still there, and not in a transaction that is spoilt.

        A server that goes away says so or hangs up: then there is something to read, and on an
        idle connection there is never anything else.
        """
        if self.connection is None or self.connection.closed:
            return False
        if self.connection.info.transaction_status == TransactionStatus.INERROR:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0)
