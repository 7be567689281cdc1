#!/usr/bin/env bash
# System packages that the tests need: nginx, faketime, and libcurl for the mongod from PyPI.
set -euo pipefail
mongod=$("$(dirname "$0")/../.venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/fiftyone/db/bin/mongod
wanted=()
if [ -x "$mongod" ] && ldd "$mongod" | grep -q 'libcurl.* => not found'; then wanted+=(libcurl4); fi
if [ ! -x /usr/sbin/nginx ] && ! command -v nginx > /dev/null; then wanted+=(nginx-light); fi
if ! command -v faketime > /dev/null; then wanted+=(faketime); fi
[ "${#wanted[@]}" -gt 0 ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # The tests run their own nginx; the installed one is not started as a system service.
    apt-get install -y -qq --no-install-recommends "${wanted[@]}" > /dev/null
    exit 0
fi
echo "the tests need these packages of the system: ${wanted[*]}" >&2
exit 1
