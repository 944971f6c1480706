#!/bin/sh
# Once for each new version, before it is started, while the one before still serves: see
# docs/operator.md, "Upgrade". It can be run again at any time.
set -eu
python manage.py check ${DEPLOY_CHECK---deploy --fail-level WARNING}
python manage.py migrate --noinput
python manage.py createcachetable
python manage.py collectstatic --noinput --verbosity 0
