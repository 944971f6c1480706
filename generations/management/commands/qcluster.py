"""django-q2's own command, with a driver that leaves at once when the cluster is told to stop."""

import contextlib
import os
import time
from typing import Any

from django.db import connection
from django_q.cluster import Cluster
from django_q.management.commands import qcluster

from generations import wakeups
from generations.driver import DatabaseGone
from generations.tasks import leaving

DATABASE_SECONDS_MAX = 60


class PoliteCluster(Cluster):
    """A cluster that tells its driver to go before it waits for its workers."""

    def stop(self) -> bool:
        """Stop taking tasks and wait for those at work."""
        leaving.set()
        return bool(super().stop())


class Command(qcluster.Command):
    """Run background tasks, the driver among them, until told to stop."""

    def handle(self, *_: Any, **options: Any) -> None:
        """Start the cluster; its processes outlive this call."""
        _await_database()
        if options["cluster_name"]:
            os.environ["Q_CLUSTER_NAME"] = options["cluster_name"]
        cluster = PoliteCluster()
        cluster.start()
        # Another cluster's driver may be seated: so nobody else would ask for this one's.
        with contextlib.suppress(*DatabaseGone):
            wakeups.seat_driver()
        connection.close()
        if options["run_once"]:
            cluster.stop()


def _await_database() -> None:
    """Wait while PostgreSQL starts or recovers: django-q2 ends where it finds none."""
    until = time.monotonic() + DATABASE_SECONDS_MAX
    while True:
        try:
            connection.ensure_connection()
        except DatabaseGone:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)
        else:
            connection.close()
            return
