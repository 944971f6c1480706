"""The operator's reports: figures out of the ledger and the jobs, per day, week and month."""
