#!/bin/sh
# Sets up a production-like site on this Debian machine, buys credit and makes films in it, loses a web
# server and a worker in the middle, backs up, restores and audits; then takes everything down again.
# It costs nothing: the outside services are the sandbox, and the site answers to https://localhost
# alone, because a public address with the sandbox is refused.
#   sudo deploy/rehearse.sh          everything it makes lies in a temporary folder
# NGINX names another nginx than Debian's.
set -eu
cd "$(dirname "$0")/.."

missing=""
for package in postgresql redis-server openssl python3-venv make; do
    dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
command -v "${NGINX:-nginx}" >/dev/null || missing="$missing nginx-light"
if [ -n "$missing" ]; then
    apt-get -qq update
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends $missing
fi
make --silent install
exec .venv/bin/python -m tests.site_rehearsal
