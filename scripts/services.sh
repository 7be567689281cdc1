#!/usr/bin/env bash
# Redis, RabbitMQ and mongod on free ports of 127.0.0.1, with their files in data/services or the folder given:
#     eval "$(scripts/services.sh start)"     starts them, and sets the variables by which the service finds them
#     scripts/services.sh status              what runs where
#     scripts/services.sh stop                ends them; their files and ports stay for the next start
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
[ -x "$root/.venv/bin/python" ] || { echo "needs the environment of the tests: make setup-dev" >&2; exit 1; }
export PYTHONPATH="$root"
exec "$root/.venv/bin/python" -m servers "$@"
