#!/usr/bin/env bash
# The tests' mongod comes from PyPI but needs libcurl from the system: install it where it is missing.
set -euo pipefail
mongod=$("$(dirname "$0")/../.venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/fiftyone/db/bin/mongod
[ -x "$mongod" ] || exit 0
if ldd "$mongod" | grep -q 'libcurl.* => not found'; then
    if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
        apt-get update -qq
        apt-get install -y -qq --no-install-recommends libcurl4
    else
        echo "the tests' mongod needs libcurl.so.4: install the package libcurl4" >&2
        exit 1
    fi
fi
