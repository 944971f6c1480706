#!/bin/sh
# The web server. WEB_WORKERS: processes, one a core; WEB_THREADS: requests at once in each.
# Told to stop, it takes no new connection and finishes what it has begun.
set -eu
export WEB_THREADS="${WEB_THREADS:-8}"
exec granian --interface wsgi --host "${WEB_HOST:-0.0.0.0}" --port "${PORT:-8000}" \
    --workers "${WEB_WORKERS:-2}" --blocking-threads "$WEB_THREADS" \
    --runtime-mode mt --no-ws --workers-kill-timeout 30s --respawn-failed-workers --log-level warning \
    config.wsgi:application
