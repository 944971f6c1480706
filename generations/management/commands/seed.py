"""`manage.py seed --jobs 100000`: fill a sandbox site with a made-up past, to try it at size."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from generations.reports import seeding


class Command(BaseCommand):
    help = "Fills a site that runs on the sandbox with made-up accounts, payments and jobs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--jobs", type=int, default=1000)
        parser.add_argument("--accounts", type=int, help="by default one for each 200 jobs")
        parser.add_argument("--days", type=int, default=400, help="how far back the jobs go")
        parser.add_argument("--seed", type=int, default=1, help="another number, another past")

    def handle(self, *, jobs: int, accounts: int | None, days: int, seed: int, **_: Any) -> None:
        accounts = accounts or max(5, jobs // 200)
        for name, number, most in (
            ("--jobs", jobs, seeding.JOBS_MAX),
            ("--accounts", accounts, seeding.JOBS_MAX),
            ("--days", days, seeding.DAYS_MAX),
        ):
            if not 1 <= number <= most:
                raise CommandError(f"{name} is a number from 1 to {most}.")
        try:
            seeding.seed(jobs, accounts, days, seed)
        except (seeding.NotHere, seeding.MadeBefore) as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{jobs} jobs of {accounts} accounts over {days} days")
